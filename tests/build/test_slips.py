"""Slips of authors: each is one sentence with file and line, and all of a lesson's are named at once."""

import pytest

from autograder.authoring import bank_contract, contract, source
from autograder.authoring.faults import FaultyFileError
from autograder.authoring.new import SKELETON

LESSON, BANK = (
    (SKELETON / f"{what}.py").read_text("utf-8").replace("NN_name", "03_additive_attention").replace("NN", "03")
    for what in ("lesson", "bank")
)  # the name of a lesson that has an experiment


def faults_of(tmp_path, lesson, bank, monkeypatch):
    """What `build` refuses of a lesson and its bank."""
    path = tmp_path / "03_additive_attention.py"
    path.write_text(lesson, encoding="utf-8")
    (tmp_path / "banks").mkdir()
    (tmp_path / "banks" / path.name).write_text(bank, encoding="utf-8")
    monkeypatch.setattr(source, "SOLUTIONS", tmp_path)
    source.load.cache_clear()
    try:
        lesson = contract.load("03")
        return contract.faults(lesson) + found_running(lesson, tmp_path / "banks")
    except FaultyFileError as error:
        return list(error.faults)
    finally:
        source.load.cache_clear()


def found_running(lesson, banks):
    try:
        return bank_contract.faults(lesson, (1, 2), banks)
    except FaultyFileError as error:
        return list(error.faults)


def line_of(text, part):
    return text[: text.index(part)].count("\n") + 1


def test_the_skeleton_has_none(tmp_path, monkeypatch):
    assert faults_of(tmp_path, LESSON, BANK, monkeypatch) == []


NAMED = '# %% exercise="dot_scores" minutes=5 difficulty=1'
HINTS = "# hint: A matrix times a vector gives one number a row.\n"
IN_THE_SOURCE = [
    # what is replaced, with what, where the fault is (None: line 1), the sentence
    ("    return (keys @", "    return ((keys @", "    return ((", "Python can't read this: '(' was never closed."),
    ("# Score every", "Score every", "Score every", "a line of text begins with `# `."),
    ("def dot_scores(", "def dot_score(", NAMED, "this cell must define 'dot_scores'; it defines dot_score."),
    ("difficulty=1", "difficulty=9", "difficulty=9", "difficulty goes from 1 to 5, not to 9."),
    ('task="dot_scores"', "task=dot_scores", "task=dot", 'words stand in quotes, as in `task="dot_scores"`.'),
    ("points=1", 'points="1"', 'points="1"', "a number stands without quotes: points=1."),
    ("minutes=5", "minuets=5", "minuets=5", "unknown mark 'minuets' on an exercise cell. Did you mean 'minutes'?"),
    ("# ## Notation\n", "# ## Notation\n# hint: Look.\n", "# hint: Look.", "a hint stands in a task cell only."),
    (HINTS, "", '# %% [markdown] task="dot', "this task has 1 hint; two or three lines begin with `# hint: `."),
    (
        '    """The mean weight on the gold word: a number from 0 to 1.\n\n'
        '    weights (B, T), gold (B,), int64  ->  ()\n    """\n', "",
        "def share_on_gold(", "'share_on_gold' has no docstring: what it does, with shapes and source.",
    ),
    (
        'with demonstration("itself"):', 'print("outside")\nwith demonstration("itself"):',
        'print("outside")', 'this code stands outside `with demonstration("itself"):`.',
    ),
    (
        "mask = torch.ones", "drawn = dot_scores(vectors[:, 2], vectors)\nmask = torch.ones",
        "drawn = dot", "this plain cell calls 'dot_scores', which waits for an answer: make it a demo.",
    ),
    (
        "mask = torch.ones", "def later():\n    return dot_scores(mask, mask)\n\n\nlater()\nmask = torch.ones",
        "later()\nmask", "this plain cell calls 'later', which waits for an answer: make it a demo.",
    ),
    (
        'lesson = Lesson("03_additive_attention")', 'lesson = Lesson("17_toys")', 'lesson = Lesson("17',
        'the setup cell opens this lesson: `Lesson("03_additive_attention")`.',
    ),
    ("**What does this lesson ask?**", "**This lesson asks.**", None, "the first cell asks the lesson's question"),
    ("Allow 30 minutes.", "", None, "the first cell says how many minutes to allow"),
    ("# ## Summary", "# ## The end", None, "there is no heading `## Summary`."),
    ("widgets.explore(", "print(", None, "there is no widget"),
    (
        'plots.show(fig, f"One row of weights; “bites” has {share:.2f} on itself.")', "plots.show(fig)",
        "    plots.show(fig)", 'this figure has no words: `plots.show(fig, alt="…")`.',
    ),
    (
        'lesson.reveal("itself", share,', 'print("itself", share,', '# %% predict="itself"',
        'no demonstration below tells the outcome: `lesson.reveal("itself", …)`.',
    ),
    (
        'check("dot_scores", dot_scores, probe)', "check", '# %% check="dot_scores"',
        'a check cell defines probe and ends with `check("dot_scores", dot_scores, probe)`.',
    ),
    (
        'return {"scores": dot_scores(draw.normal(B, d), draw.normal(B, T, d))}',
        'return {"scores": set(dot_scores(draw.normal(B, d), draw.normal(B, T, d)).flatten().tolist())}',
        '# %% check="dot_scores"', "the probe returns a set as 'scores', which can't be compared",
    ),
    (
        'return {"scores": dot_scores(draw.normal(B, d), draw.normal(B, T, d))}', "return dot_scores(1, 2)",
        '# %% check="dot_scores"', "the check of 'dot_scores' fails for the reference answer: AttributeError",
    ),
    ("words = (", "words = no_such_name(", "words = no", "this stops with NameError: name 'no_such_name'"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "where", "says"), IN_THE_SOURCE, ids=[row[3][:50] for row in IN_THE_SOURCE])
def test_a_slip_in_the_source(tmp_path, monkeypatch, old, new, where, says):
    assert old in LESSON
    text = LESSON.replace(old, new, 1)
    found = [fault for fault in faults_of(tmp_path, text, BANK, monkeypatch) if says in fault.sentence]
    assert [str(fault).split(": ")[0] for fault in found] == [
        f"03_additive_attention.py, line {line_of(text, where) if where else 1}"
    ]


def test_a_task_after_its_exercise(tmp_path, monkeypatch):
    cells = LESSON.split("# %%")
    place = next(i for i, cell in enumerate(cells) if cell.startswith(' [markdown] task="dot_scores"'))
    cells[place], cells[place + 1] = cells[place + 1], cells[place]
    (fault,) = faults_of(tmp_path, "# %%".join(cells), BANK, monkeypatch)
    assert fault.sentence == "the task cell of 'dot_scores' stands after its exercise cell."


MISTAKE = '@mistake("dot_scores", "'
IN_THE_BANK = [
    (
        "    return -(keys", "    return (keys", "def negative",
        "the check of 'dot_scores' accepts the mistake 'negative'",
    ),
    (
        "    return keys.sum(-1)", "    return -(keys @ query.unsqueeze(-1)).squeeze(-1)", "def query_ignored",
        "'query_ignored' and 'negative' come out alike",
    ),
    (
        '"bd,btd->bt", query, keys)', '"bd,btd->bt", -query, keys)', "def scores_by_einsum",
        "the check of 'dot_scores' refuses the alternative 'scores_by_einsum'",
    ),
    (
        '@mistake("dot_scores", "The sign', '@mistake("dot_scoers", "The sign', "def negative",
        "'negative' is a mistake for 'dot_scoers', and there is no such exercise. Did you mean 'dot_scores'?",
    ),
    (
        '@alternative("dot_scores")', '@alternative("dots")', "def scores_by_einsum",
        "'scores_by_einsum' is an alternative for 'dots', and there is no such exercise.",
    ),
    (
        "These are cosines: leave out the division by the lengths.",
        "The sign is wrong: keys like the query should score high.", "def cosine",
        "'cosine' has the same sentence as 'negative'.",
    ),
    ("import torch\n", "import torch\n\nno_such_name\n", "no_such", "this stops with NameError: name 'no_such_name'"),
    ("def negative(query, keys):", "def negative(query, keys:", "def neg", "Python can't read this: '(' was never"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "where", "says"), IN_THE_BANK, ids=[row[3][:50] for row in IN_THE_BANK])
def test_a_slip_in_the_bank(tmp_path, monkeypatch, old, new, where, says):
    assert old in BANK
    text = BANK.replace(old, new, 1)
    found = [fault for fault in faults_of(tmp_path, LESSON, text, monkeypatch) if says in fault.sentence]
    assert [(f.file, f.line) for f in found] == [("banks/03_additive_attention.py", line_of(text, where))]


def test_a_bank_without_mistakes(tmp_path, monkeypatch):
    parts = BANK.split("\n\n\n")
    few = [part for part in parts if not part.startswith('@mistake("dot_scores"')]
    found = faults_of(tmp_path, LESSON, "\n\n\n".join(few), monkeypatch)
    assert [fault.sentence for fault in found] == ["'dot_scores' needs 5 mistakes at least, and has none."]


def test_all_faults_at_once(tmp_path, monkeypatch):
    text = LESSON.replace("difficulty=1", "difficulty=9", 1).replace(HINTS, "").replace("# ## Summary", "# ## End")
    text = text.replace("# ## Notation\n", "# ## Notation\nnaked\n")
    found = faults_of(tmp_path, text, BANK, monkeypatch)
    assert [fault.sentence.split(";")[0].split(",")[0] for fault in found] == [
        "there is no heading `## Summary`.",
        "a line of text begins with `# `.",
        "this task has 1 hint",
        "difficulty goes from 1 to 5",
    ]
