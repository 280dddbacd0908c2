"""Grading with sealed checks: intake, execution in the sandbox, judgement, gradebook, feedback, report, exports."""
