"""An untouched notebook that is opened and saved is the same file, byte for byte."""

import hashlib

from .notebook_page import NotebookPage

LESSON = "00_weighted_average"


def test_opening_and_saving_changes_nothing(lab, chromium):
    address, folder = lab
    path = folder / LESSON / f"{LESSON}.ipynb"
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    opened = NotebookPage(chromium, address, LESSON)
    opened.save()
    assert hashlib.sha256(path.read_bytes()).hexdigest() == before
    opened.close()
