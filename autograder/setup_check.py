"""Before anything is installed: Python new enough, disk large enough? Runs on any Python 3."""

import shutil
import sys

NEEDED_PYTHON = (3, 11)
NEEDED_GIGABYTES = 3


def problem(version, free_bytes):
    """The sentence for the user if `version` is too old or `free_bytes` too few; None if all is well."""
    if tuple(version[:2]) < NEEDED_PYTHON:
        return (
            "This course needs Python {}.{} or newer, and this is {}.{}. "
            "Install one and name it: make setup PYTHON=python3.12".format(*NEEDED_PYTHON + tuple(version[:2]))
        )
    if free_bytes < NEEDED_GIGABYTES * 1e9:
        return (
            "The environment needs {:.0f} GB of disk, and {:.1f} GB are free here. Make room, then try again.".format(
                NEEDED_GIGABYTES, free_bytes / 1e9
            )
        )
    return None


if __name__ == "__main__":
    sentence = problem(sys.version_info, shutil.disk_usage(".").free)
    if sentence:
        sys.stderr.write(sentence + "\n")
        sys.exit(2)
