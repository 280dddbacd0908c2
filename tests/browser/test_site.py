"""The site in a real browser: no page complains, asks for anything from elsewhere, or is wider than a phone."""

import functools
import http.server
import threading

import pytest
from axe_playwright_python.sync_playwright import Axe

from autograder.authoring.site import build_site
from autograder.authoring.source import lesson_names

pytestmark = pytest.mark.slow
PHONE, DESK = {"width": 400, "height": 800}, {"width": 1280, "height": 900}
LARGEST = 3_000_000  # bytes of a page
MAP = ".lk-touch"


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files, and says nothing."""

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    return build_site(tmp_path_factory.mktemp("out"))


@pytest.fixture(scope="module")
def address(site):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=site))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def test_pages_are_there_and_light(site):
    pages = {path.relative_to(site).as_posix(): path.stat().st_size for path in site.rglob("*.html")}
    assert {f"lessons/{name}.html" for name in lesson_names()} < set(pages)
    assert {"index.html", "glossary.html", "results.html", "instructors.html", "authors.html", "search.html"} < set(
        pages
    )
    assert {name: size for name, size in pages.items() if size > LARGEST} == {}


@pytest.mark.parametrize(("size", "scheme"), [(DESK, "dark"), (PHONE, "light")])
def test_no_page_complains_or_looks_elsewhere(site, address, chromium, size, scheme):
    context = chromium.new_context(viewport=size, color_scheme=scheme)
    page, wrong = context.new_page(), []
    page.on("console", lambda said: wrong.append((page.url, said.text)) if said.type == "error" else None)
    page.on("pageerror", lambda error: wrong.append((page.url, str(error))))
    page.on("request", lambda r: None if r.url.startswith((address, "data:", "blob:")) else wrong.append(r.url))
    for path in sorted(site.rglob("*.html")):
        page.goto(f"{address}/{path.relative_to(site).as_posix()}", wait_until="load")
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if wide > 0:
            wrong.append((path.name, f"{wide} px wider than the window"))
    context.close()
    assert wrong == []


@pytest.mark.parametrize(("size", "scheme"), [(DESK, "light"), (DESK, "dark"), (PHONE, "light")])
def test_axe_finds_nothing(address, chromium, size, scheme):
    context = chromium.new_context(viewport=size, color_scheme=scheme)
    page, found = context.new_page(), []
    for path in ("index.html", "lessons/00_weighted_average.html"):
        page.goto(f"{address}/{path}", wait_until="load")
        response = Axe().run(page, context={"include": [["article"]]}).response
        found += [(path, v["id"], [node["html"][:200] for node in v["nodes"]]) for v in response["violations"]]
    context.close()
    assert found == []


def test_formulas_are_set(address, chromium):
    page = chromium.new_page()
    page.goto(f"{address}/lessons/03_additive_attention.html")
    page.wait_for_selector("mjx-container svg")
    page.close()


def test_the_map_by_keyboard(address, chromium):
    page = chromium.new_page()
    page.goto(f"{address}/lessons/03_additive_attention.html")
    chosen = page.locator(f"{MAP} [role=radio][aria-checked=true]").first
    before, said = chosen.inner_text(), page.locator(f"{MAP} .lk-said").first.inner_text()
    chosen.focus()
    page.keyboard.press("ArrowRight")
    assert page.locator(f"{MAP} [role=radio][aria-checked=true]").first.inner_text() != before
    assert page.locator(f"{MAP} .lk-said").first.inner_text() != said
    page.close()


def test_search_finds_a_lesson(address, chromium):
    page = chromium.new_page()
    page.goto(f"{address}/search.html?q=glimpse")
    page.wait_for_selector("#search-results a")
    assert "13_glimpses" in page.locator("#search-results").inner_html()
    page.close()
