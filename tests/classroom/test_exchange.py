"""Feedback through nbgrader's exchange: each page lies beside the secret of the submission that it is about."""

import hashlib
import shutil

import pytest
from nbgrader.utils import notebook_hash

from autograder.grading.exchange import SECRET, STAMP, prepare_exchange
from autograder.grading.graded_notebook import feedback_path

from .made import L, enter, opened

ADAS, BOBS = "a" * 128, "b" * 128


def submit(out, student, secret, content=b"{}"):
    """What nbgrader's collect leaves; returns what `grade` would keep of it."""
    folder = out / "submitted" / student / L
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{L}.ipynb").write_bytes(content)
    (folder / STAMP).write_text("2026-03-01 10:00:00.1 UTC")
    if secret is not None:
        (folder / SECRET).write_bytes(secret if isinstance(secret, bytes) else secret.encode())
    return {"attempts": [{"sha": hashlib.sha256(content).hexdigest()[:16]}]}


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """A class of ada, bob and carol, who handed in the same."""
    out = tmp_path_factory.mktemp("out")
    with opened(out) as gradebook:
        for student in ("ada", "bob", "carol"):
            enter(gradebook, out, student, facts=submit(out, "ada", ADAS))
        yield out, gradebook


@pytest.fixture
def place(graded):
    """The same, with a page each; ada came through the exchange."""
    out, gradebook = graded
    for folder in ("feedback", "submitted"):
        shutil.rmtree(out / folder, ignore_errors=True)
    submit(out, "ada", ADAS)
    for student in ("ada", "bob", "carol"):
        page = feedback_path(out, student, L)
        page.parent.mkdir(parents=True)
        page.write_text(student)
    return out, gradebook


def secret_of(out, student):
    return feedback_path(out, student, L).with_name(SECRET).read_text()


def test_a_class_that_used_no_exchange_has_nothing_of_it(place):
    out, gradebook = place
    (out / "submitted/ada" / L / SECRET).unlink()
    assert prepare_exchange(gradebook, L, out) is None
    assert not list((out / "feedback").rglob(SECRET))


def test_each_page_has_its_own_secret(place):
    out, gradebook = place
    submit(out, "bob", BOBS)
    (said,) = prepare_exchange(gradebook, L, out)
    assert said.startswith("carol handed in elsewhere")
    assert (secret_of(out, "ada"), secret_of(out, "bob")) == (ADAS, BOBS)
    assert feedback_path(out, "ada", L).with_name(STAMP).read_text() == "2026-03-01 10:00:00.1 UTC"
    assert len({notebook_hash(secret=secret_of(out, s), notebook_id=L) for s in ("ada", "bob", "carol")}) == 3


def test_the_page_of_an_earlier_attempt_keeps_that_ones_secret(place):
    out, gradebook = place
    list(prepare_exchange(gradebook, L, out))
    submit(out, "ada", BOBS, b"another notebook")
    said = list(prepare_exchange(gradebook, L, out))
    assert said[0].startswith("ada handed in again after this was graded")
    assert secret_of(out, "ada") == ADAS
    submit(out, "ada", BOBS)  # the same notebook, submitted once more: it has been graded
    list(prepare_exchange(gradebook, L, out))
    assert secret_of(out, "ada") == BOBS


@pytest.mark.parametrize("secret", [b"", b"\xff\xfe", b"short", b"../../x" * 10, b"a" * 100_000])
def test_what_a_student_wrote_as_a_secret_stops_nobody(place, secret):
    out, gradebook = place
    submit(out, "bob", secret)
    said = list(prepare_exchange(gradebook, L, out))
    assert [sentence.split()[0] for sentence in said] == ["bob", "carol"]
    assert len(secret_of(out, "bob")) == 128
    assert secret_of(out, "ada") == ADAS


def test_a_link_is_not_followed(place):
    out, gradebook = place
    submit(out, "bob", None)
    (out / "submitted/bob" / L / SECRET).symlink_to(out / "submitted/ada" / L / SECRET)
    list(prepare_exchange(gradebook, L, out))
    assert secret_of(out, "bob") != ADAS
