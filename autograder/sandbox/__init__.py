"""Executes notebooks of strangers: a warm interpreter in bubblewrap, forked and shut in once a submission."""

from autograder.sandbox.bwrap import SandboxConfig
from autograder.sandbox.client import Sandbox
from autograder.sandbox.doctor import Finding, doctor
from autograder.sandbox.job import Cell, CellResult, Job, Limits, Probe, ProbeResult, Result

__all__ = [
    "Cell",
    "CellResult",
    "Finding",
    "Job",
    "Limits",
    "Probe",
    "ProbeResult",
    "Result",
    "Sandbox",
    "SandboxConfig",
    "doctor",
]
