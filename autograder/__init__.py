"""What authors and instructors run: banks of answers, build, checks of the checks, grading."""
