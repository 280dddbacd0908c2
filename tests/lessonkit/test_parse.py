"""Code is parsed by one thread at a time: Python counts the depth of what it parses for all threads together."""

import ast
import gc
import threading

import pytest

from lessonkit.syntax import parse

CODE = "\n".join(f"x{i} = [[[{i}, {i} + 1], (2, 3)], {{'a': f(1)}}]" for i in range(200))


class Loud:
    """A cycle whose end runs Python code, so that another thread may have its turn in the middle of parsing."""

    def __init__(self):
        self.me = self

    def __del__(self):
        sum(range(200))


@pytest.mark.parametrize("others", [parse, ast.parse], ids=["ours", "a library's"])
def test_threads_parse_side_by_side(others):
    """Three threads beside one: whatever happens to theirs, ours get their trees."""
    wrong = []

    def many(tree_of, errors):
        for _ in range(15):
            [Loud() for _ in range(50)]
            try:
                assert len(tree_of(CODE).body) == 200
            except SystemError as error:
                errors.append(error)

    before = gc.get_threshold()
    gc.set_threshold(50)
    try:
        beside = wrong if others is parse else []
        threads = [threading.Thread(target=many, args=(others, beside)) for _ in range(3)]
        threads.append(threading.Thread(target=many, args=(parse, wrong)))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        gc.set_threshold(*before)
    assert wrong == []
