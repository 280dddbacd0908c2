"""A gradebook of another time: it opens, is brought up to date, and keeps its marks."""

import itertools
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from nbgrader.api import Base, Gradebook
from sqlalchemy import Engine, create_engine, event, text

from autograder.authoring.generate import COURSE, generate
from autograder.grading import by_hand
from autograder.grading.gradebook import GradebookWriter, database_url
from autograder.grading.truth import check_id
from autograder.grading.upgrade import upgrade_ours
from lessonkit.notebook import exercise_id

from .made import LESSON, NAMES, WORTH, L, enter, wrong

MOST = sum(WORTH.values())


@pytest.fixture
def old(tmp_path):
    """What plain nbgrader left: ada's marks, one of them by hand, with extra credit and a comment. No table of ours."""
    url = database_url(tmp_path, None)
    generate(LESSON, url)
    with Gradebook(url, COURSE) as gradebook:
        gradebook.add_student("ada", first_name="Ada", last_name="Lovelace")
        gradebook.add_submission(L, "ada")
        for name, points in WORTH.items():
            grade = gradebook.find_grade(check_id(L, name), L, L, "ada")
            grade.auto_score = points
        grade = gradebook.find_grade(check_id(L, NAMES[0]), L, L, "ada")
        grade.manual_score, grade.extra_credit = 0.5, 0.25
        gradebook.find_comment(exercise_id(L, NAMES[0]), L, L, "ada").manual_comment = "seen in class"
        gradebook.db.commit()
    return tmp_path, url


def nbgraders_score(url, student="ada"):
    with Gradebook(url, COURSE) as gradebook:
        return gradebook.find_submission(L, student).score


def test_plain_nbgraders_gradebook_keeps_its_marks_and_takes_ours(old):
    out, url = old
    before = nbgraders_score(url)
    assert before == MOST - WORTH[NAMES[0]] + 0.75
    with closing(GradebookWriter(url)) as gradebook:
        gradebook.prepare(LESSON)
        assert list(gradebook.records(L)) == []
        assert nbgraders_score(url) == before
        enter(gradebook, out, "ada", {NAMES[0]: wrong()})  # what the judge finds is not what was given by hand
        (record,) = gradebook.records(L)
        first = record.verdicts[0]
        assert (first["manual"], first["extra"], first["comment"]) == (0.5, 0.25, "seen in class")
        assert record.points == before
        assert record.name == "Ada Lovelace"
    assert nbgraders_score(url) == before


def test_nbgraders_older_tables_are_brought_up_to_date_and_a_copy_is_kept(old):
    out, url = old
    before = nbgraders_score(url)
    with closing(sqlite3.connect(out / "gradebook.db")) as db:  # as before the students' platform ids came
        db.execute("ALTER TABLE student DROP COLUMN lms_user_id")
        db.execute("UPDATE alembic_version SET version_num = '167914646830'")
        db.commit()
    with closing(GradebookWriter(url)) as gradebook:
        gradebook.prepare(LESSON)
        enter(gradebook, out, "bob")
        assert [record.student for record in gradebook.records(L)] == ["bob"]
    assert nbgraders_score(url) == before
    assert nbgraders_score(url, "bob") == MOST
    assert (out / "gradebook.db.before-167914646830").is_file()


def test_our_own_older_tables_get_what_they_lack(tmp_path):
    url = database_url(tmp_path, None)
    with closing(GradebookWriter(url)) as gradebook:
        gradebook.prepare(LESSON)
        enter(gradebook, tmp_path, "ada")
        gradebook.begin_run(L, 7, 7)
    with closing(sqlite3.connect(tmp_path / "gradebook.db")) as db:  # as the first version made them
        db.execute("ALTER TABLE sealed_record DROP COLUMN seed")
        db.execute("ALTER TABLE sealed_run DROP COLUMN finished")
        for table in ("course_handed_in", "course_excused", "course_roster", "sealed_secret"):
            db.execute(f"DROP TABLE {table}")
        db.commit()
    for _ in range(2):  # and again without a change
        with closing(GradebookWriter(url)) as gradebook:
            (record,) = gradebook.records(L)
            assert (record.points, record.seed, record.attempts) == (MOST, 0, [])
            assert gradebook.begin_run(L, None, 9) == 9
            gradebook.end_run(L)
            assert gradebook.roster() is None
    with closing(GradebookWriter(url)) as gradebook:
        by_hand.excuse(gradebook.nbgraders, L, NAMES[0], WORTH, "the task was wrong")
        assert {r.points for r in gradebook.records(L)} == {MOST - WORTH[NAMES[0]]}


def test_no_column_can_be_added_without_a_word_on_older_gradebooks(tmp_path):
    """Whoever adds a column says what stands in it for those graded before: the upgrade fails here otherwise."""
    engine = create_engine(f"sqlite:///{tmp_path / 'x.db'}")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE sealed_record (student TEXT, lesson TEXT, key TEXT, verdicts TEXT)"))
        connection.execute(text("CREATE TABLE sealed_run (lesson VARCHAR, seed BIGINT)"))
    upgrade_ours(engine)


def test_a_run_killed_at_any_step_while_it_makes_the_gradebook(tmp_path, monkeypatch):
    """The next run opens it."""
    said = []

    class Killed(BaseException):
        pass

    for number in itertools.count(1, 3):
        url, steps = database_url(tmp_path, None), []

        @event.listens_for(Engine, "after_cursor_execute")
        def counts(connection, cursor, statement, *_, steps=steps, last=number):
            steps.append(statement)
            if statement.split()[0] in {"CREATE", "INSERT"} and len(steps) >= last:
                raise Killed

        try:
            GradebookWriter(url).close()
            killed = False
        except Killed:
            killed = True
        event.remove(Engine, "after_cursor_execute", counts)
        said += steps
        with closing(GradebookWriter(url)) as gradebook:
            assert gradebook.lessons() == []
        if not killed:
            break
        (tmp_path / "gradebook.db").unlink()
    assert number > 30
    assert any("INSERT INTO alembic_version" in step for step in said)


@pytest.mark.parametrize("there", ["assignment", "course", "all of them", "a version of nothing"])
def test_tables_that_were_never_finished_are_made_anew(tmp_path, there):
    url = database_url(tmp_path, None)
    engine = create_engine(url)
    tables = [table for table in Base.metadata.sorted_tables if there in (table.name, "all of them")]
    Base.metadata.create_all(engine, tables or [Base.metadata.tables["course"]])
    if there == "a version of nothing":
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"))
    engine.dispose()
    with closing(GradebookWriter(url)) as gradebook:
        gradebook.prepare(LESSON)
        enter(gradebook, tmp_path, "bob")
    assert nbgraders_score(url, "bob") == MOST


def test_several_programs_may_make_our_tables_at_once(tmp_path):
    for place in range(5):
        engines = [create_engine(f"sqlite:///{tmp_path}/{place}.db") for _ in range(4)]
        with ThreadPoolExecutor() as pool:
            list(pool.map(upgrade_ours, engines))
