"""What is proved of one lesson's bank stays on one worker: what its reference and mistakes give is worked out once."""

import pytest


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups, also of a folder that is named
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Group the tests of this folder that take a lesson by it."""
    for item in items:
        call = getattr(item, "callspec", None)
        if call and "lesson" in call.params and "tests/checks" in item.path.as_posix():
            item.add_marker(pytest.mark.xdist_group(f"bank-{call.params['lesson'][:2]}"))
