"""Benchmarks of the course and of the grader, and the invented class that both are measured with."""
