"""The course as web pages, from the executed notebooks, without answers: written as Sphinx's source, then built.

Everything that a page needs lies in the site: no request leaves it.
"""

import base64
import copy
import importlib.util
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat

from autograder.authoring import glossary, mathjax, site_links, start
from autograder.authoring.build import notebook_differences, solution_path, student_path
from autograder.authoring.source import ROOT, lesson_names, load
from lessonkit.errors import CourseError
from lessonkit.files import write_whole

THEME = Path(__file__).with_name("site_theme")
_NEEDED = {
    "sphinx": "sphinx", "myst_nb": "myst-nb", "pydata_sphinx_theme": "pydata-sphinx-theme",
    mathjax.PACKAGE: mathjax.PACKAGE,
}  # fmt: skip
_GUIDES = {  # page -> (file of the project, what the menu calls it)
    "instructors": ("autograder/GRADING.md", "Grading a class"),
    "hub": ("autograder/HUB.md", "A class on a hub"),
    "anywhere": ("autograder/ANYWHERE.md", "Containers and Binder"),
    "security": ("SECURITY.md", "What the grader is defended against"),
    "authors": ("autograder/README.md", "Writing a lesson"),
    "contributing": ("CONTRIBUTING.md", "Map of the project"),
    "changes": ("CHANGELOG.md", "What changed"),
}


def build_site(out: Path) -> Path:
    """Write the site into out/site, whole or not at all; its path.

    Raises:
        CourseError: a package is missing, notebooks are out of step with their sources, or a link leads nowhere.
    """
    missing = [package for module, package in _NEEDED.items() if importlib.util.find_spec(module) is None]
    if missing:
        raise CourseError(
            f"The site needs {' and '.join(missing)}: `{sys.executable} -m pip install -r requirements.txt`."
        )
    stale = [sentence for name in lesson_names() for sentence in notebook_differences(load(name))]
    if stale:
        raise CourseError("The site is made from notebooks that are in step:\n" + "\n".join(stale))
    with tempfile.TemporaryDirectory(prefix="course-") as place:
        source, made = Path(place) / "source", Path(place) / "site"
        _write_source(source)
        command = [sys.executable, "-m", "sphinx", "-b", "html", "-q", "-W", "--keep-going", str(source), str(made)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise CourseError(f"Sphinx refuses the site: {(done.stderr or done.stdout).replace(place, '').strip()}")
        for name in (".doctrees", "_sources", ".buildinfo", "objects.inv", "_static/webpack-macros.html"):
            unneeded = made / name
            shutil.rmtree(unneeded) if unneeded.is_dir() else unneeded.unlink(missing_ok=True)
        if wrong := site_links.faults(made):
            raise CourseError("Links of the site lead nowhere:\n" + "\n".join(wrong))
        target = out / "site"
        shutil.rmtree(target, ignore_errors=True)
        out.mkdir(parents=True, exist_ok=True)
        shutil.copytree(made, target)
    return target


def _write_source(folder: Path) -> None:
    """What Sphinx reads: a page a lesson, the front page, glossary, results, guides, theme and formulas."""
    course = start.stops()
    for stop in course:
        write_whole(folder / "lessons" / f"{stop.name}.ipynb", nbformat.writes(lesson_page(stop.name)))
    write_whole(folder / "map.png", base64.b64decode(start.draw(course)))
    write_whole(folder / "index.md", _index(course))
    lessons = [f"lessons/{stop.name}" for stop in course]
    write_whole(
        folder / "lessons.md", _section("Lessons", "In the order of the course; each says what it needs.", lessons)
    )
    guides = [f"{title} <{page}>" for page, (_, title) in _GUIDES.items()]
    write_whole(
        folder / "guides.md", _section("Teach and write", "For instructors, and for authors of lessons.", guides)
    )
    write_whole(folder / "glossary.md", glossary.markdown().replace("\n### ", "\n## ") + "\n")
    write_whole(folder / "results.md", _results(course))
    for page, (file, _) in _GUIDES.items():
        write_whole(folder / f"{page}.md", _guide((ROOT / file).read_text("utf-8")))
    shutil.copytree(THEME, folder, dirs_exist_ok=True)
    write_whole(folder / "_static" / mathjax.NAME, mathjax.mathjax())


def lesson_page(name: str) -> nbformat.NotebookNode:
    """A lesson as it is shown: what the reference run showed, with the learner's own cells in place of the answers."""
    shown = nbformat.read(solution_path(name), as_version=4)
    blank = {cell.id: cell for cell in nbformat.read(student_path(name), as_version=4).cells}
    cells = []
    for cell in shown.cells:
        marks = cell.metadata.get("nbgrader", {})
        if cell.id.endswith(("-progress", "-hand-in", "-how-far")):
            continue  # they need a kernel
        cell = copy.deepcopy(cell)
        if cell.cell_type == "markdown":
            cell.source = _links(cell.source)
        elif marks.get("solution"):
            cell.source, cell.outputs = blank[cell.id].source, []
        elif cell.metadata.get("jupyter", {}).get("source_hidden"):
            cell.metadata["tags"] = ["hide-input"]
            cell.metadata["mystnb"] = {
                "code_prompt_show": cell.source.splitlines()[0].lstrip("# ").removesuffix(": run this cell")
            }
        if cell.cell_type == "code":
            cell.metadata.setdefault("tags", [])
            for output in cell.outputs:
                if "text/html" in output.get("data", {}):
                    output["data"].pop("image/png", None)  # the page has the picture with its words
        cell.metadata.pop("nbgrader", None)
        cell.metadata.pop("jupyter", None)
        cells.append(cell)
    shown.cells = cells
    shown.metadata.pop("course", None)
    return shown


def _links(text: str) -> str:
    """Links between notebooks as links between pages."""
    text = re.sub(r"\]\(\.\./start\.ipynb\)", "](../index.md)", text)
    text = re.sub(r"\]\(\.\./(\d\d_\w+)/\1\.ipynb(#[^)]*)?\)", r"](\1.ipynb)", text)
    return re.sub(
        r"\]\(\.\./glossary\.ipynb(?:#([^)]*))?\)",
        lambda found: f"](../glossary.md#{found[1].lower()})" if found[1] else "](../glossary.md)",
        text,
    )


def _index(course: list[start.Stop]) -> str:
    rows = [
        f"| {stop.number} | [{stop.title[:1].upper()}{stop.title[1:]}](lessons/{stop.name}.ipynb) | {stop.question} "
        f"| {stop.minutes} |"
        for stop in course
    ]
    return f"""\
# A course on attention

How can a network look at one thing, and not at another? Each lesson begins with a question and an experiment that
fails. You write the few lines that matter; a check says at once whether they are right, and if not, what went wrong.
Then you predict, look, and break it.

These pages show what the reference run showed, without the answers. To write them, take the course: it runs on your own
machine, offline, in minutes. `make lab` sets it up and opens it.

**Three paths.** Learn: begin with [lesson 00](lessons/{course[0].name}.ipynb). Teach:
[grading a class](instructors.md). Write: [a lesson](authors.md), and the [map of the project](contributing.md).

## The map: what builds on what

[![{start.in_words(course)}](map.png)](map.png)

## The lessons

| no. | lesson | its question | minutes |
|---|---|---|---|
{chr(10).join(rows)}

Words that you don't know: [Glossary](glossary.md). What was measured, over seeds: [Recorded results](results.md).

```{{toctree}}
:hidden:

lessons
glossary
results
guides
```
"""


def _section(title: str, text: str, pages: list[str]) -> str:
    """A page that leads to others."""
    return "\n".join([f"# {title}", "", text, "", "```{toctree}", ":maxdepth: 1", "", *pages, "```", ""])


def _results(course: list[start.Stop]) -> str:
    """The recorded results as tables: every single number, with its mean and what the seeds spread over."""
    parts = ["# Recorded results", "Every number that the lessons quote, from `data/results/`: mean, least, greatest."]
    titles = {stop.number: f"Lesson {stop.number}: {stop.title}" for stop in course}
    for path in sorted((ROOT / "data" / "results").glob("[0-9][0-9].json")):
        record = json.loads(path.read_text("utf-8"))
        values: dict[str, list[float]] = {}
        for run in record["runs"]:
            for figure, value in numbers_in(run):
                values.setdefault(figure, []).append(value)
        values.pop("seed", None)
        rows = [
            f"| `{figure}` | {sum(found) / len(found):.4g} | {min(found):.4g} | {max(found):.4g} | {len(found)} |"
            for figure, found in values.items()
        ]
        head = ["| figure | mean | least | greatest | runs |", "|---|---|---|---|---|"]
        title = titles.get(path.stem, record["lesson"])
        parts += [f"## {title}", f"Made {record['made']['date']}.", "\n".join(head + rows)]
    return "\n\n".join(parts) + "\n"


def numbers_in(value: object, name: str = "") -> list[tuple[str, float]]:
    """The single numbers in a nested record, with their names; curves are left out."""
    if isinstance(value, dict):
        return [pair for key, item in value.items() for pair in numbers_in(item, f"{name}.{key}".strip("."))]
    return [(name, float(value))] if isinstance(value, int | float) and not isinstance(value, bool) else []


def _guide(text: str) -> str:
    """A file of the project as a page: links to other such files lead to their pages, others to nothing."""
    pages = {Path(file).name if "/" not in file else file: page for page, (file, _) in _GUIDES.items()}

    def rewritten(found: re.Match) -> str:
        words, target = found[1], found[2]
        if target.startswith(("http", "#")):
            return found[0]
        name = target.removeprefix("../")
        page = pages.get(name) or pages.get(f"autograder/{name}")
        return f"[{words}]({page}.md)" if page else words

    return re.sub(r"\[([^\]]+)\]\(([^)]+)\)", rewritten, text)
