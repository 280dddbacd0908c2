"""How long a job takes: `python -m tests.sandbox.bench`. Prints the median milliseconds of a few shapes of notebook."""

from statistics import median
from time import perf_counter

from autograder.sandbox import CellToRun, Job, Probe, Sandbox

IMPORTS, FUNCTION = CellToRun("a", "import torch\nprint(1)"), CellToRun("b", "def f(x):\n    return 2 * x")
PROBE = Probe("f", "def probe(f, draw):\n    return {'y': f(draw.normal(2, 3))}", (1, 2, 3))
JOBS = {
    "no cell": Job(()),
    "two cells": Job((IMPORTS, FUNCTION)),
    "two cells, one probe, 3 seeds": Job((IMPORTS, FUNCTION), (PROBE,)),
    "two cells, four probes, 3 seeds": Job((IMPORTS, FUNCTION), (PROBE,) * 4),
    "an error": Job((CellToRun("a", "1 / 0"),)),
    "a figure": Job((CellToRun("a", "import matplotlib.pyplot as plt\nplt.plot([1, 2]);"),)),
}


def bench(repeats: int = 15) -> None:
    """Run each job `repeats` times and print the median: the whole, and by phase."""
    started = perf_counter()
    with Sandbox() as sandbox:
        print(f"{'start of the sandbox':34s}{perf_counter() - started:8.1f} s")
        for name, job in JOBS.items():
            results, whole = [], []
            for _ in range(repeats):
                before = perf_counter()
                results.append(sandbox.run(job))
                whole.append(perf_counter() - before)
            phases = {phase: median(result.seconds[phase] for result in results) for phase in results[0].seconds}
            text = ", ".join(f"{phase} {1000 * seconds:.1f}" for phase, seconds in phases.items())
            print(f"{name:34s}{1000 * median(whole):7.1f} ms  ({text})")


if __name__ == "__main__":
    bench()
