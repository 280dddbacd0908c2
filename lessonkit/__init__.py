"""What a lesson's notebook imports: checks, drawing, training, data and widgets."""

from lessonkit.errors import CourseError
from lessonkit.lesson import Lesson

__all__ = ["CourseError", "Lesson"]
