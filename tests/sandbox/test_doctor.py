"""The doctor tells what is there and what is missing, and a missing sandbox says how to get one."""

import shutil

import pytest

from autograder.sandbox import Sandbox, cgroup, examine, seccomp
from lessonkit.errors import CourseError


def test_all_is_well_where_the_other_tests_run(sandbox):
    findings = {finding.name: finding for finding in examine()}
    assert [finding for finding in findings.values() if finding.needed and not finding.ok] == []
    assert findings["cgroup"].ok == (cgroup.find() is not None)
    assert findings["system calls"].ok == seccomp.supported()


def test_without_bubblewrap_nothing_runs(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(CourseError, match="apt install bubblewrap"), Sandbox():
        pass
    findings = {finding.name: finding for finding in examine()}
    assert not findings["bubblewrap"].ok
    assert not findings["start"].ok


def test_a_sandbox_that_cannot_start_says_why(tmp_path, monkeypatch):
    program = tmp_path / "bwrap"
    program.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setattr(shutil, "which", lambda name: str(program))
    with pytest.raises(CourseError, match="No permissions to create new namespace"), Sandbox():
        pass
