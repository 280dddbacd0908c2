"""Executes notebooks of strangers: a warm interpreter in bubblewrap, forked and shut in once a submission."""

from autograder.sandbox.bwrap import SandboxConfig
from autograder.sandbox.client import Sandbox
from autograder.sandbox.doctor import Condition, examine
from autograder.sandbox.job import CellResult, CellToRun, Job, Limits, Probe, ProbeResult, Result

__all__ = [
    "CellResult",
    "CellToRun",
    "Condition",
    "Job",
    "Limits",
    "Probe",
    "ProbeResult",
    "Result",
    "Sandbox",
    "SandboxConfig",
    "examine",
]
