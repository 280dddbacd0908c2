"""The check before installation runs on an old Python and names what is wrong."""

import ast
from pathlib import Path

from autograder import setup_check


def test_names_an_old_python():
    assert "needs Python 3.11" in setup_check.problem((3, 8, 1), 1e12)


def test_names_a_full_disk():
    assert "0.5 GB are free" in setup_check.problem((3, 11, 0), 5e8)


def test_says_nothing_if_all_is_well():
    assert setup_check.problem((3, 13, 0), 1e11) is None


def test_an_old_python_can_read_it():
    ast.parse(Path(setup_check.__file__).read_text(), feature_version=(3, 6))
