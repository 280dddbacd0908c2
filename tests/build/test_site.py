"""What the site is made from: no answer, links that lead somewhere, notebooks that are in step."""

import pytest

from autograder.authoring import site, site_links, source
from autograder.authoring.contract import answer_of
from lessonkit.errors import CourseError


@pytest.mark.parametrize("name", source.lesson_names())
def test_a_page_shows_tasks_and_no_answers(name):
    cells = {cell.id: cell for cell in site.lesson_page(name).cells}
    for cell in source.load(name).of_kind("exercise"):
        shown = cells[f"{name[:2]}-{cell.name}".replace("_", "-")]
        assert "raise NotImplementedError()" in shown.source
        assert not set(answer_of(cell)) & set(shown.source.splitlines())
        assert shown.outputs == []
    assert not [cell.id for cell in cells.values() if cell.id.endswith(("-progress", "-hand-in"))]
    assert not [cell.id for cell in cells.values() if ".ipynb" in cell.source and "../start.ipynb" in cell.source]


def test_notebooks_out_of_step_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(site, "notebook_differences", lambda lesson: ["03: out of step; run `make build LESSON=03`."])
    with pytest.raises(CourseError, match=r"in step:\n03: out of step; run `make build LESSON=03`"):
        site.build_site(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_theme_that_is_not_installed_is_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setitem(site._NEEDED, "no_such_theme", "no-such-theme")
    with pytest.raises(CourseError, match=r"needs no-such-theme: `\S+ -m pip install -r requirements.txt`"):
        site.build_site(tmp_path)


@pytest.mark.parametrize(
    ("html", "says"),
    [
        ('<a href="b.html#here">x</a><a href="b.html">x</a><a id="me" href="#me">x</a>', ""),
        ('<a href="https://example.org">x</a><img src="data:image/png;base64,AA">', ""),
        ('<a href="c.html">x</a>', "a.html links to c.html, which isn't there."),
        ('<a href="b.html#there">x</a>', "a.html links to b.html#there: that page has no such place."),
        ('<script src="https://example.org/x.js"></script>', "a.html loads https://example.org/x.js from elsewhere."),
        ('<img src="x.png">', "a.html links to x.png, which isn't there."),
    ],
)
def test_links(tmp_path, html, says):
    (tmp_path / "a.html").write_text(html)
    (tmp_path / "b.html").write_text('<h2 id="here">x</h2>')
    assert site_links.faults(tmp_path) == ([says] if says else [])
