"""The one exception for mistakes that a person can make and mend."""


class CourseError(Exception):
    """Something that the person at the keyboard can put right; its message is one sentence that says how.

    Commands print the sentence and exit with code 2; no traceback is shown.
    """
