"""What a submission's bytes pass costs their number, not its square, however they repeat themselves."""

import io
import zipfile

import pytest

from autograder.grading.records import all_attempts
from autograder.grading.submissions import collect
from tests.attacks.growth import FORMS, LESSON, PIECES, TARGETS, repeated, seconds

SIZE = 8_000  # characters: the square of that is noticed at once
OFTEN = 150  # times what Python takes to look at as many characters one by one
CODE = 1_000  # characters of what is parsed


def yardstick(size):
    """What it takes here and now to look at so many characters one by one, in seconds of the processor."""
    said = "x" * 500_000
    took = min(seconds(lambda text: [c.isprintable() for c in text], said) for _ in range(3))
    return max(took, 0.005) * size / len(said)


@pytest.mark.parametrize("name", [name for name in TARGETS if name != "notebook.many_cells"])
def test_no_repetition_costs_its_square(name):
    target = TARGETS[name]
    size = min(CODE if target.slow > 1 else SIZE, target.most)
    allowed = OFTEN * target.slow * yardstick(size)
    seconds(target.take, "x")  # what is made once
    for piece in PIECES:
        for form in FORMS[:2]:
            said = repeated(piece, form, size)
            if seconds(target.take, said) > allowed:
                assert min(seconds(target.take, said) for _ in range(3)) < allowed, (piece, form)


def zipped(names, content=b"{}"):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, content)
    return file.getvalue()


def one_zip_of_many(number):
    """A student's own zip, in which the same notebook lies in many folders: none of them counts."""
    mine = zipped([f"{i}/{LESSON}.ipynb" for i in range(number)])
    return zipped(["ada/x.zip"], mine)


def stamped(number):
    """nbgrader's folders."""
    return zipped(f"s{i}/{LESSON}/{part}" for i in range(number) for part in ("x.ipynb", "timestamp.txt"))


def beside_bob(names):
    """One student's files, and another's notebook."""
    return zipped([*names, f"bob_2_1_{LESSON}.ipynb" if "/" not in names[0] else f"bob/{LESSON}.ipynb"])


CLASSES = {
    "nbgrader's stamps": stamped,
    "one student's": lambda n: beside_bob([f"ada/{i}/{LESSON}.ipynb" for i in range(n)]),
    "one student's, otherwise named": lambda n: beside_bob([f"ada/{i}/x{i}.ipynb" for i in range(n)]),
    "attempts in Canvas": lambda n: beside_bob([f"ada_1_{i}_{LESSON}-{i}.ipynb" for i in range(n)]),
    "a zip of one": one_zip_of_many,
}


@pytest.mark.parametrize("name", CLASSES)
def test_many_files_cost_their_number(name, tmp_path):
    def costs(number):
        (tmp_path / "class.zip").write_bytes(CLASSES[name](number))
        return min(seconds(lambda place: collect(place, LESSON), tmp_path / "class.zip") for _ in range(2))

    few, many = costs(300), costs(2_400)
    assert many < 32 * max(few, 0.01)  # 8 times as many: the square would be 64


def test_names_that_no_file_system_has_stay_apart(tmp_path):
    long = "a" * 60_000
    (tmp_path / "class.zip").write_bytes(zipped([f"{long}{i}/{LESSON}.ipynb" for i in range(3)]))
    found = collect(tmp_path / "class.zip", LESSON).submissions
    assert len({submission.student for submission in found}) == 3
    assert all(len(submission.student) < 120 for submission in found)


def test_attempts_are_one_by_their_bytes_or_by_file_and_time():
    def attempt(file, sha=None, time="2026-03-01"):
        return {"file": file, "time": time} | ({"sha": sha} if sha else {})

    before = [attempt("a", "1"), attempt("b", "2"), attempt("c"), attempt("d", "4")]
    now = [attempt("x", "1"), attempt("b"), attempt("c", "3"), attempt("d", "5")]
    assert all_attempts(before, now) == [attempt("d", "4"), *now]
    many = [attempt(str(i), str(i)) for i in range(20_000)]
    assert all_attempts(many, many) == many
