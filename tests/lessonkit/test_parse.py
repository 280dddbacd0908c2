"""Code is parsed by one thread at a time: Python counts the depth of what it parses for all threads together."""

import gc
import threading

from lessonkit.syntax import parse


class Loud:
    """A cycle whose end runs Python code, so that another thread may have its turn in the middle of parsing."""

    def __init__(self):
        self.me = self

    def __del__(self):
        sum(range(200))


def test_threads_parse_side_by_side():
    code = "\n".join(f"x{i} = [[[{i}, {i} + 1], (2, 3)], {{'a': f(1)}}]" for i in range(200))
    wrong = []

    def many():
        for _ in range(15):
            [Loud() for _ in range(50)]
            try:
                assert len(parse(code).body) == 200
            except SystemError as error:
                wrong.append(error)

    before = gc.get_threshold()
    gc.set_threshold(50)
    try:
        threads = [threading.Thread(target=many) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        gc.set_threshold(*before)
    assert wrong == []
