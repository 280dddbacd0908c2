"""What a lesson's notebook imports: checks, drawing, training, data and widgets."""

from lessonkit.errors import CourseError

__all__ = ["CourseError"]
