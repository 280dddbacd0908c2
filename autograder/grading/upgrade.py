"""An older gradebook brought up to date: nbgrader's tables by nbgrader's own steps, ours column by column."""

import shutil
import subprocess
from pathlib import Path

from nbgrader.api import get_alembic_version
from nbgrader.dbutil import _temp_alembic_ini
from sqlalchemy import Engine, create_engine, inspect, text
from sqlalchemy.exc import SQLAlchemyError

from autograder.grading.tables import METADATA
from lessonkit.errors import CourseError

# What stands in a column that older versions of our tables lack.
_ADDED = {("sealed_record", "seed"): "0", ("sealed_run", "finished"): "true"}


def upgrade_nbgraders(db_url: str) -> None:
    """Bring nbgrader's own tables to the version that is installed, before anything else opens them.

    A SQLite file is copied first, to a file beside it that names the old version.

    Raises:
        CourseError: nbgrader's steps failed; the copy is as it was.
    """
    engine = create_engine(db_url)
    try:
        tables = inspect(engine).get_table_names()
        if "assignment" not in tables:
            return  # new, or not nbgrader's
        known = ""
        if "alembic_version" in tables:
            with engine.connect() as connection:
                known = connection.execute(text("SELECT version_num FROM alembic_version")).scalar() or ""
    except SQLAlchemyError:
        return  # whoever opens it next says why
    finally:
        engine.dispose()
    if known == get_alembic_version():
        return
    kept = _copy(db_url, known or "old")
    with _temp_alembic_ini(db_url) as settings:
        done = subprocess.run(["alembic", "-c", settings, "upgrade", "head"], capture_output=True, text=True)
    if done.returncode != 0:
        said = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise CourseError(f"This gradebook of an older nbgrader could not be brought up to date: {said}. {kept}")


def _copy(db_url: str, version: str) -> str:
    """Copy a SQLite file before it is changed; where the copy lies, as a sentence."""
    path = Path(db_url.removeprefix("sqlite:///"))
    if not db_url.startswith("sqlite:///") or not path.is_file():
        return ""
    copy = path.with_name(f"{path.name}.before-{version}")
    if not copy.exists():
        shutil.copy2(path, copy)
    return f"A copy as it was: {copy}."


def upgrade_ours(engine: Engine) -> None:
    """Add what our tables lack: whole tables, and columns of those that an older version made."""
    METADATA.create_all(engine)
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
