"""Recorded comparisons, one module a lesson, and what runs them; full-size runs and the ladder."""
