"""The course's nbgrader configuration: an ordinary one, with a few steps for what nbgrader would judge unjustly.

cd COURSE_FOLDER && JUPYTER_CONFIG_PATH=/path/to/autograder nbgrader autograde 03_additive_attention
"""

import os

from nbconvert.preprocessors import ClearMetadataPreprocessor
from nbgrader.preprocessors import (
    AssignLatePenalties,
    CheckCellMetadata,
    ClearOutput,
    DeduplicateIds,
    Execute,
    IgnorePattern,
    LimitOutput,
    OverwriteCells,
    OverwriteKernelspec,
    SaveAutoGrades,
)

from autograder.authoring.generate import COURSE, STUB
from autograder.authoring.notebook import DEMONSTRATION
from autograder.authoring.source import SOLUTIONS
from autograder.plain.steps import DropTags, FreeCopies, RestoreChecks, VerdictOrNothing, ask_before_removing

c = get_config()  # noqa: F821 -- nbgrader provides it
os.environ.setdefault("LESSONKIT_STATE", "off")  # what students' notebooks do is not the instructor's progress


c.CourseDirectory.course_id = COURSE
# What the sealed grader marked, nbgrader's own Autograde (formgrader's button, too) would run outside the sandbox.
c.Autograde.pre_convert_hook = "autograder.plain.steps.leave_sealed_marks_alone"
ask_before_removing()
c.CourseDirectory.source_directory = str(SOLUTIONS)

c.ClearSolutions.code_stub = STUB
c.ClearSolutions.begin_solution_delimeter = "BEGIN SOLUTION"
c.ClearSolutions.end_solution_delimeter = "END SOLUTION"

# Training and figures are no part of the marks.
c.Execute.skip_cells_with_tag = DEMONSTRATION
# An endless loop costs its own cell. A check's own limit, 10 s a probe, comes first where the loop is in an answer.
c.Execute.timeout = 40
c.Execute.interrupt_on_timeout = True
c.Execute.shutdown_kernel = "immediate"  # what counts is in the notebook by then; tidying up takes a second of each
c.Execute.extra_arguments = ["--HistoryManager.hist_file=:memory:", "--IPKernelApp.log_level=40"]
# nbgrader gives 0 to a check that writes to standard error. Warnings of C++ code, and of a logger that was set up
# earlier, reach it past lessonkit's own redirection: drop them all.
c.IgnorePattern.enabled = True
c.IgnorePattern.pattern = "^"

c.Autograde.sanitize_preprocessors = [
    ClearOutput,
    DeduplicateIds,
    FreeCopies,
    OverwriteKernelspec,
    OverwriteCells,
    DropTags,
    RestoreChecks,
    CheckCellMetadata,
]
c.Autograde.autograde_preprocessors = [
    Execute,
    IgnorePattern,
    VerdictOrNothing,
    ClearMetadataPreprocessor,
    LimitOutput,
    SaveAutoGrades,
    AssignLatePenalties,
    CheckCellMetadata,
]
