"""What classes and instructors elsewhere reported, case by case, and the test that shows how it ends here."""

import ast
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
WHOSE = "classroom/test_whose::test_a_class_as_it_hands_in"
NAMES = "classroom/test_names_of_files::"
CELL = "classroom/test_which_cell::test_every_answer_is_found"
CASES = {
    # marks that are wrong, or vanish
    "a mark, extra credit or a comment changed by hand doesn't reach exports": "classroom/test_truth::"
    "test_a_mark_by_hand_is_in_every_table_and_survives_a_regrade",
    "a comment made in formgrader isn't on the feedback page": "browser/test_story::test_a_term",
    "Canvas renames a second hand-in, and marks a late one": f"{WHOSE}[canvas]",
    "a renamed file in nbgrader's folders": f"{WHOSE}[nbgrader-with-odd-names]",
    "one upload in a sub-folder of Moodle's zip": f"{WHOSE}[moodle-two-students-one-in-a-sub-folder]",
    "a zip within the zip": "classroom/test_whose::test_a_zip_within_a_zip",
    "a class of clones becomes one person": f"{WHOSE}[github-classroom]",
    "the whole course folder handed in": f"{WHOSE}[the-whole-course-folder]",
    "an editor dropped ids and metadata": f"{CELL}[without_ids]",
    "ids in metadata only, as Colab writes them": f"{CELL}[all_metadata_ids]",
    "the whole notebook doubled": f"{CELL}[doubled]",
    "a copied cell, no ids": f"{CELL}[a_copied_cell_without_ids]",
    "the copy is the untouched stub": f"{CELL}[a_copied_stub_without_ids]",
    "two cells merged": f"{CELL}[two_merged]",
    "typed into a fresh cell": f"{CELL}[typed_into_a_fresh_cell]",
    "a cell turned into Markdown": f"{CELL}[made_markdown]",
    "a raw cell": f"{CELL}[made_raw]",
    "Blackboard's two attempts are two students": f"{WHOSE}[blackboard]",
    "a name that begins with two digits": f"{WHOSE}[flat-with-seat-numbers]",
    "another lesson's notebook beside it": f"{WHOSE}[flat-with-another-lesson]",
    "the first line of a cell fails": "classroom/test_first_line::test_the_functions_below_are_tried_all_the_same",
    "a notebook above 10 MB": NAMES + "test_a_large_notebook_is_read_without_its_outputs",
    "names differ between systems": NAMES + "test_names_keep_their_letters_and_are_one_on_every_system",
    "a zip without the flag for UTF-8": NAMES + "test_a_zip_without_the_flag_for_utf8",
    "cleaned names become another's": NAMES + "test_what_cleaning_changed_is_nobody_elses_in_any_run",
    "nobody is late": "classroom/test_truth::test_lateness_extensions_and_penalties",
    "nbgrader's timestamp.txt": "classroom/test_whose::test_a_time_of_nbgraders_stamp",
    "points changed after the first marks": "classroom/test_corrected::test_points_of_an_exercise_change",
    "an exercise added after the first marks": "classroom/test_corrected::test_an_exercise_is_added",
    "an exercise dropped": "classroom/test_corrected::test_an_exercise_is_dropped_and_comes_back",
    # crashes, and wrong advice
    "a spreadsheet touched marks.csv": "classroom/test_spreadsheets::test_whatever_a_spreadsheet_did_to_the_marks",
    "PyTorch with gigabytes for a GPU": "build/test_install_torch::test_the_source",
    "an Intel Mac": "build/test_install_torch::test_an_intel_mac_is_told",
    "Gradescope can't take results": "classroom/test_gradescope::"
    "test_a_submission_is_graded_as_another_user_who_sees_no_answers",
    "Canvas can't match the rows": "classroom/test_truth::test_canvas_gets_its_own_rows_and_headings_back",
    "a CSV without the mark that Excel needs": "classroom/test_spreadsheets::"
    "test_whatever_a_spreadsheet_did_to_the_marks",
    "checkpoints become students": f"{WHOSE}[checkpoints]",
    "a second download beside the first": f"{WHOSE}[a-second-download]",
    "two equal notebooks": f"{WHOSE}[two-equal-ones]",
    "%pip in an answer costs nothing": "classroom/test_odd_lines::test_lines_that_other_courses_put_first",
    "torch.compile in an answer": "classroom/test_odd_lines::test_lines_that_other_courses_put_first",
    "check and probe rebound": "classroom/test_odd_lines::test_lines_that_other_courses_put_first",
    '"No module named lessonkit"': "classroom/test_learner_cases::test_another_python_is_told_what_to_do",
    "another default device": "checks/test_mechanism::test_the_default_device_and_compile_dont_matter",
    "an endless loop on Windows": "checks/test_mechanism::test_an_endless_loop_ends_without_the_systems_alarm",
    "another numpy draws other numbers": "checks/test_mechanism::"
    "test_draws_are_what_they_were_and_no_numpy_changes_them",
    "an encoding copied from a blog": "classroom/test_learner_cases::test_an_encoding_that_many_copy_is_named",
    "bubblewrap on Ubuntu 24.04": "classroom/test_learner_cases::"
    "test_a_machine_without_namespaces_is_opened_for_one_program_only",
    "contrast of the card": "classroom/test_learner_cases::test_a_cards_text_has_the_pages_colour",
    "contrast of our pages": "classroom/test_learner_cases::test_text_of_our_pages_has_contrast_in_both_themes",
    # an instructor's class of thirty
    "nbgrader's generate_feedback beside ours": "grading/test_results::test_nbgraders_commands_run_on_the_result",
    "marks a student and lesson, beside marks an exercise": "grading/test_results::test_csv",
    "formgrader has names, and opens as the page says": "browser/test_formgrader::test_formgrader_on_the_result",
    "limits of time and memory by option": "classroom/test_learner_cases::test_limits_can_be_set_by_option",
    "make grade is the sealed way": "classroom/test_learner_cases::test_make_grade_is_the_sealed_way",
    "GRADING.md says how formgrader is opened": "classroom/test_learner_cases::"
    "test_the_page_says_how_formgrader_is_opened",
    "a student removed from nbgrader's tables and ours": "classroom/test_truth::test_somebody_who_leaves_is_nowhere",
    "feedback says which page is which": "classroom/test_pages::"
    "test_a_feedback_page_has_name_task_lateness_comment_and_where_to_read_again",
    "Ctrl-C": "grading/test_interruptions::test_ctrl_c_keeps_what_is_graded",
    "a roster's names are in our own outputs": "classroom/test_pages::"
    "test_the_report_names_people_date_seed_version_and_who_is_not_there",
    "the reference is called ready-made": "grading/test_worth_a_look::test_nothing_that_a_reference_does_is_flagged",
    "the report in chance order": "classroom/test_pages::test_items_are_paired_by_name_in_the_lessons_order",
    "backticks and stars shown raw": "classroom/test_pages::test_backticks_and_stars_are_shown_and_nothing_is_markup",
    "who made which mistake": "classroom/test_pages::test_statistics_and_mistakes_as_csv",
    "no overview of a student": "classroom/test_pages::test_an_overview_has_every_lesson_of_one_student",
    "points changed: unchanged, says grade": "classroom/test_truth::test_points_that_changed_are_graded_again",
    "PostgreSQL": "grading/test_postgresql::test_what_people_change_is_kept_in_postgresql",
    "an exercise excused": "classroom/test_truth::test_an_exercise_excused_for_all_counts_for_nobody",
    "nbgrader's Autograde overwrites sealed marks": "classroom/test_truth::"
    "test_nbgraders_autograde_leaves_sealed_marks_alone",
    "a graded notebook that somebody removed": "classroom/test_truth::"
    "test_a_graded_notebook_that_somebody_removed_is_made_again",
    "a student who withdrew": "classroom/test_bad_input::test_whoever_leaves_is_in_no_file_of_the_folder",
    "two exercises swapped in the report": "classroom/test_corrected::"
    "test_two_exercises_change_places_and_one_is_graded_again",
    "a regrade says whose marks changed": "browser/test_story::test_a_term",
    "everything of one student": "classroom/test_bad_input::test_everything_of_one_student",
    "an old gradebook": "classroom/test_old_gradebook::test_plain_nbgraders_gradebook_keeps_its_marks_and_takes_ours",
}


@cache
def source(file):
    return (TESTS / f"{file}.py").read_text("utf-8")


@pytest.mark.parametrize("case", CASES)
def test_each_case_has_its_test(case):
    file, _, test = CASES[case].partition("::")
    name, _, scenario = test.partition("[")
    assert name in {node.name for node in ast.walk(ast.parse(source(file))) if isinstance(node, ast.FunctionDef)}
    assert scenario.rstrip("]") in source(file)
