"""What all tests share: the counts that the summary prints."""

import os
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import settings

settings.register_profile("course", deadline=None)  # a test never fails because the machine is slow
settings.load_profile("course")

_MARK = "count: "
os.environ["LESSONKIT_STATE"] = "off"  # notebooks that tests run keep no progress


@pytest.fixture
def count(record_property) -> Callable[..., None]:
    """count(name, n=1): add to a number that the summary prints, summed over all tests that pass."""
    return lambda name, n=1: record_property(_MARK + name, n)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes long, so that no worker ends alone; keep a group of tests on one worker.

    xdist 3.8 writes the group where pytest 9.2 no longer looks for a test's id.
    """
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)
    for item in items:
        grouped = getattr(item, "_nodeid", item.nodeid)
        if grouped != item.nodeid:
            item._id = type(item._id).parse(grouped)


def pytest_terminal_summary(terminalreporter) -> None:
    """Print what was counted: exercises, mistakes named, alternatives accepted, mutants."""
    totals: Counter = Counter()
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties:
            if name.startswith(_MARK):
                totals[name.removeprefix(_MARK)] += value
    for name, value in totals.items():
        terminalreporter.write_line(f"{value:6d} {name}")
