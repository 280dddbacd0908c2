"""What all tests share: the counts that the summary prints."""

from collections import Counter

import pytest
from hypothesis import settings

settings.register_profile("course", deadline=None)  # a test never fails because the machine is slow
settings.load_profile("course")

_COUNTS: Counter = Counter()


@pytest.fixture
def counts(record_property) -> Counter:
    """Counters for the summary, summed over all tests and worker processes."""
    before = Counter(_COUNTS)
    yield _COUNTS
    for name, value in (_COUNTS - before).items():
        record_property(f"count:{name}", value)


def pytest_terminal_summary(terminalreporter) -> None:
    """Print what was counted: exercises, mistakes named, alternatives accepted, mutants."""
    totals: Counter = Counter()
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties if report.when == "teardown" else []:
            if name.startswith("count:"):
                totals[name.removeprefix("count:")] += value
    for name, value in totals.items():
        terminalreporter.write_line(f"{value:6d} {name}")
