"""The grader's own tables in the gradebook, beside nbgrader's."""

from sqlalchemy import BigInteger, Boolean, Column, MetaData, String, Table, Text

METADATA = MetaData()
# Beside nbgrader's tables: what was graded from which bytes on which seed, with the verdicts; and the seed of each
# lesson's last run, which an interrupted run goes on with.
RECORDS = Table(
    "sealed_record",
    METADATA,
    Column("student", String(128), primary_key=True),
    Column("lesson", String(128), primary_key=True),
    Column("key", String(64), nullable=False),
    Column("seed", BigInteger, nullable=False),
    Column("verdicts", Text, nullable=False),
)
RUNS = Table(
    "sealed_run",
    METADATA,
    Column("lesson", String(128), primary_key=True),
    Column("seed", BigInteger, nullable=False),
    Column("finished", Boolean, nullable=False),
)
# When and as what a submission was handed in: plain facts as JSON, for lateness and for those who look for a file.
HANDED_IN = Table(
    "course_handed_in",
    METADATA,
    Column("student", String(128), primary_key=True),
    Column("lesson", String(128), primary_key=True),
    Column("facts", Text, nullable=False),
)
# Exercises that count for nobody, and why.
EXCUSED = Table(
    "course_excused",
    METADATA,
    Column("lesson", String(128), primary_key=True),
    Column("exercise", String(128), primary_key=True),
    Column("why", Text, nullable=False),
)
# Who belongs to the class, in the order of the table that said so, with that table's row as JSON.
ROSTER = Table(
    "course_roster",
    METADATA,
    Column("student", String(128), primary_key=True),
    Column("place", BigInteger, nullable=False),
    Column("row", Text, nullable=False),
)
# A secret of this gradebook, which notebooks' own random numbers are derived from.
SECRETS = Table("sealed_secret", METADATA, Column("secret", String(64), primary_key=True))
