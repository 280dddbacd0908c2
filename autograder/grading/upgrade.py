"""An older gradebook brought up to date: nbgrader's tables by nbgrader's own steps, ours column by column."""

import shutil
import subprocess
import time
from functools import cache
from pathlib import Path

from alembic.script import ScriptDirectory
from nbgrader.api import Base
from nbgrader.dbutil import ALEMBIC_DIR, _temp_alembic_ini
from sqlalchemy import Connection, Engine, create_engine, inspect, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from autograder.grading.tables import METADATA
from lessonkit.errors import CourseError

# What stands in a column that older versions of our tables lack.
_ADDED = {("sealed_record", "seed"): "0", ("sealed_run", "finished"): "true"}


def upgrade_nbgraders(db_url: str) -> None:
    """Bring nbgrader's own tables to the version that is installed, before anything else opens them.

    Where there are none they are made, all of them or none: nbgrader itself makes one after the other and enters their
    version last, and whoever is killed in between leaves a gradebook that nobody can open. One of these is made anew.
    An older SQLite file is copied first, to a file beside it that names the old version.

    Raises:
        CourseError: nbgrader's steps failed; the copy is as it was.
    """
    engine = create_engine(db_url)
    try:
        with engine.connect() as connection:
            known = _version(connection)
        known = known or _make(engine)
    except SQLAlchemyError:
        return  # whoever opens it next says why
    finally:
        engine.dispose()
    if known == _newest():
        return
    kept = _copy(db_url, known or "old")
    with _temp_alembic_ini(db_url) as settings:
        done = subprocess.run(["alembic", "-c", settings, "upgrade", "head"], capture_output=True, text=True)
    if done.returncode != 0:
        said = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise CourseError(f"This gradebook of an older nbgrader could not be brought up to date: {said}. {kept}")


@cache
def _newest() -> str:
    """The version of nbgrader's tables that is installed. (nbgrader's own function starts a program for it.)"""
    return ScriptDirectory(ALEMBIC_DIR).get_current_head() or ""


def _version(connection: Connection) -> str:
    """The version of nbgrader's tables in a database, "" where none is entered."""
    if not inspect(connection).has_table("alembic_version"):
        return ""
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar() or ""


def _make(engine: Engine) -> str:
    """Make nbgrader's tables where nothing is in any of them, in one transaction; the version found or made."""
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")  # before a CREATE, Python's module begins none
        if known := _version(connection):
            return known  # somebody else was faster
        names = set(inspect(connection).get_table_names())
        there = [table for table in Base.metadata.sorted_tables if table.name in names]
        if any(connection.execute(table.select().limit(1)).first() for table in there):
            return ""  # of an nbgrader that entered no version
        Base.metadata.drop_all(connection, there)
        Base.metadata.create_all(connection)
        connection.execute(text("DROP TABLE IF EXISTS alembic_version"))
        connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"))
        connection.execute(text("INSERT INTO alembic_version VALUES (:version)"), {"version": _newest()})
    return _newest()


def _copy(db_url: str, version: str) -> str:
    """Copy a SQLite file before it is changed; where the copy lies, as a sentence."""
    path = Path(db_url.removeprefix("sqlite:///"))
    if not db_url.startswith("sqlite:///") or not path.is_file():
        return ""
    copy = path.with_name(f"{path.name}.before-{version}")
    if not copy.exists():
        shutil.copy2(path, copy)
    return f"A copy as it was: {copy}."


def _make_ours(engine: Engine, tries: int = 10) -> None:
    """Make those of our tables that are not there; another program may be making them at the same time."""
    for left in reversed(range(tries)):
        try:
            return METADATA.create_all(engine)
        except DBAPIError as error:
            if not left or "already exists" not in str(error):
                raise
            time.sleep(0.1)


def upgrade_ours(engine: Engine) -> None:
    """Add what our tables lack: whole tables, and columns of those that an older version made."""
    _make_ours(engine)
    found = inspect(engine)
    with engine.begin() as connection:
        for table in METADATA.sorted_tables:
            there = {column["name"] for column in found.get_columns(table.name)}
            for column in table.columns:
                if column.name not in there:
                    kind = column.type.compile(engine.dialect)
                    default = _ADDED[table.name, column.name]
                    connection.execute(
                        text(f"ALTER TABLE {table.name} ADD COLUMN {column.name} {kind} NOT NULL DEFAULT {default}")
                    )
