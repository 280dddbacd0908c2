"""The notebooks in solutions/ beside the tests: nbval runs their cells in order, and an error is an error."""

import os
from unittest import mock

import pytest

from lessonkit.page.demonstration import ERRORS_END_IT


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the cells of a notebook on one worker; its kernel starts in the environment where errors end it."""
    for notebook in {item.parent for item in items if item.path.suffix == ".ipynb"}:
        notebook.add_marker(pytest.mark.xdist_group(notebook.path.stem))
        notebook.setup = _strictly(notebook.setup)


def _strictly(start):
    def setup():
        with mock.patch.dict(os.environ, {ERRORS_END_IT: "1"}):
            start()

    return setup
