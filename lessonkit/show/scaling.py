"""How time and memory grow with the length: measured, fitted on logarithmic axes, drawn, and where two curves cross."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import torch

from lessonkit.show import figures, tables
from lessonkit.show.memory import Memory

MANY = 2048  # shorter lengths are measured more often
LAST = 3  # a slope is fitted to so many lengths, the longest that were measured


@dataclass(frozen=True)
class Costs:
    """For each way of computing, by name, and each length: seconds of the processor, and MiB of tensors at one moment.

    A way that was not measured at a length has None there.
    """

    lengths: list[int]
    seconds: dict[str, list[float | None]]
    mib: dict[str, list[float | None]]

    def as_record(self) -> dict:
        """Plain lists, to be written down."""
        return asdict(self)


@torch.no_grad()
def measure(
    ways: Mapping[str, Callable],
    inputs: Callable[[int], Sequence[object]],
    lengths: Sequence[int],
    times: int = 3,
    longest: Mapping[str, int] | None = None,
) -> Costs:
    """Call every way on `inputs(T)` for each length T, on one thread: the least seconds of `times` rounds.

    A round calls all ways in turn, so that a busy minute of the machine hits all of them; lengths below 2,048 get more
    rounds. The memory is measured first, which warms each way up. `longest`: lengths beyond which a way is left out.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    found = Costs(list(lengths), {name: [] for name in ways}, {name: [] for name in ways})
    try:
        for T in lengths:
            given = inputs(T)
            there = {name: way for name, way in ways.items() if (longest or {}).get(name, T) >= T}
            mib = {name: _mib(way, given) for name, way in there.items()}
            count = times * max(1, MANY // T)
            rounds = [{name: _seconds(way, given) for name, way in there.items()} for _ in range(count)]
            for name in ways:
                found.seconds[name].append(min(r[name] for r in rounds) if name in there else None)
                found.mib[name].append(mib.get(name))
    finally:
        torch.set_num_threads(threads)
    return found


def least(records: Sequence[Mapping]) -> Costs:
    """Several records of the same measurement as one: the least of each."""
    first = records[0]

    def lowest(what: str) -> dict:
        return {
            name: [None if None in row else min(row) for row in zip(*(r[what][name] for r in records), strict=True)]
            for name in first[what]
        }

    return Costs(list(first["lengths"]), lowest("seconds"), lowest("mib"))


def slope(lengths: Sequence[int], values: Sequence[float | None]) -> float:
    """The slope of a straight line through the last measured lengths on logarithmic axes: 2 if twice costs four times.

    It is nan where fewer than two were measured.
    """
    known = [(T, value) for T, value in zip(lengths, values, strict=True) if value][-LAST:]
    if len(known) < 2:
        return float("nan")
    x, y = np.log([T for T, _ in known]), np.log([value for _, value in known])
    return float(np.polyfit(x, y, 1)[0])


def crossing(
    lengths: Sequence[int], first: Sequence[float | None], second: Sequence[float | None]
) -> tuple[float, float] | None:
    """From which length on `second` is below `first` for good, and what both cost there; None if it never is.

    Between two lengths that were measured the curves are straight on logarithmic axes.
    """
    known = [(T, a, b) for T, a, b in zip(lengths, first, second, strict=True) if a and b]
    gaps = [np.log(a) - np.log(b) for _, a, b in known]  # positive where the second is cheaper
    if not gaps or gaps[-1] <= 0:
        return None
    place = len(gaps)
    while place > 0 and gaps[place - 1] > 0:
        place -= 1
    if place == 0:
        return float(known[0][0]), known[0][1]
    (T, a, _), (U, c, _) = known[place - 1], known[place]
    share = -gaps[place - 1] / (gaps[place] - gaps[place - 1])
    return float(T * (U / T) ** share), float(a * (c / a) ** share)


def curves(costs: Costs, x: str = "T, words") -> None:
    """Show seconds, and MiB, by length; all axes logarithmic."""
    ticks = {T: f"{T:,}" for T in costs.lengths}
    for part, y in ((costs.seconds, "seconds on one thread"), (costs.mib, "MiB held at one moment")):
        series = {}
        for name, values in part.items():
            known = [(T, value) for T, value in zip(costs.lengths, values, strict=True) if value]
            series[name] = tuple(zip(*known, strict=True))
        figures.curves(series, x, y, log="xy", ticks=ticks)


def table(costs: Costs, caption: str) -> None:
    """Show slopes of time and memory, and both at the longest length that a way was measured at."""
    rows = []
    for name, values in costs.seconds.items():
        T = max(T for T, value in zip(costs.lengths, values, strict=True) if value)
        place = costs.lengths.index(T)
        slopes = [f"{slope(costs.lengths, part[name]):.1f}" for part in (costs.seconds, costs.mib)]
        rows.append([name, *slopes, f"{T:,}", f"{1000 * values[place]:,.0f} ms", f"{costs.mib[name][place]:,.1f} MiB"])
    tables.show_table(["", "slope of time", "slope of memory", "at T =", "time", "memory"], rows, caption)


def crossings(costs: Costs, pairs: Sequence[tuple[str, str]], caption: str) -> None:
    """Show for pairs (first, second) from which length on the second is cheaper, and how long both take there."""
    rows = []
    for first, second in pairs:
        found = crossing(costs.lengths, costs.seconds[first], costs.seconds[second])
        said = f"T = {found[0]:,.0f}, {1000 * found[1]:.2f} ms" if found else "nowhere"
        if found and found[0] <= costs.lengths[0]:
            said = f"everywhere (measured from T = {costs.lengths[0]:,})"
        rows.append([second, first, said])
    tables.show_table(["this one", "is faster than", "from"], rows, caption)


def _seconds(way: Callable, given: Sequence[object]) -> float:
    start = time.process_time()
    way(*given)
    return time.process_time() - start


def _mib(way: Callable, given: Sequence[object]) -> float:
    with Memory() as memory:
        way(*given)
    return memory.peak / 2**20
