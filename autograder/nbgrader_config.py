"""The course's nbgrader configuration: an ordinary one.

cd COURSE_FOLDER && JUPYTER_CONFIG_PATH=/path/to/autograder nbgrader autograde 03_additive_attention
"""

from nbgrader.preprocessors import (
    CheckCellMetadata,
    ClearOutput,
    DeduplicateIds,
    OverwriteCells,
    OverwriteKernelspec,
)

from autograder.build import STUB
from autograder.nbgrader_steps import DropTags, RestoreChecks
from autograder.notebook import DEMONSTRATION
from autograder.source import SOLUTIONS

c = get_config()  # noqa: F821 -- nbgrader provides it

c.CourseDirectory.course_id = "attention"
c.CourseDirectory.source_directory = str(SOLUTIONS)

c.ClearSolutions.code_stub = STUB
c.ClearSolutions.begin_solution_delimeter = "BEGIN SOLUTION"
c.ClearSolutions.end_solution_delimeter = "END SOLUTION"

# Training and figures are no part of the marks.
c.Execute.skip_cells_with_tag = DEMONSTRATION
# An endless loop costs its own cell. A check's own limit, 10 s a probe, comes first where the loop is in an answer.
c.Execute.timeout = 40
c.Execute.interrupt_on_timeout = True
c.Execute.extra_arguments = ["--HistoryManager.hist_file=:memory:", "--IPKernelApp.log_level=40"]

c.Autograde.sanitize_preprocessors = [
    ClearOutput,
    DeduplicateIds,
    OverwriteKernelspec,
    OverwriteCells,
    DropTags,
    RestoreChecks,
    CheckCellMetadata,
]
