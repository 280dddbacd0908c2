"""Grading with nbgrader as it is, and the steps that it lacks."""
