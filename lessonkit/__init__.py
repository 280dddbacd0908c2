"""What a lesson's notebook imports: checks, drawing, training, data and widgets."""

from lessonkit.errors import CourseError

__all__ = ["CourseError", "Lesson"]


def __getattr__(name: str) -> object:
    """`Lesson` when it is first asked for: it imports PyTorch, which a command that only reads files doesn't need."""
    if name == "Lesson":
        from lessonkit.lesson import Lesson

        return Lesson
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
