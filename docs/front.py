"""What stands at the top of the README: two pictures, and the numbers of "What is different here".

python docs/front.py              # all of it; the picture of a page needs Chromium, and `make site` before
python docs/front.py --numbers    # only the numbers
"""

import base64
import io
import json
import re
import sys
from datetime import date
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from autograder.authoring import start  # noqa: E402
from autograder.authoring.bank import load  # noqa: E402
from autograder.authoring.site import numbers_in  # noqa: E402
from autograder.machine import CHROMIUM  # noqa: E402
from lessonkit.errors import CourseError  # noqa: E402
from lessonkit.files import write_whole  # noqa: E402

README = HERE.parent / "README.md"
SITE = HERE.parent / "out" / "site"
PAGE, MAP = "page.png", "map.png"


def numbers() -> dict[str, int]:
    """Each number that the README's five lines name, counted where it comes from."""
    from tests.attacks import everything  # noqa: F401  (enters all of them)
    from tests.attacks.workshop import ATTACKS

    lessons = start.lesson_names()
    banks = [load(name) for name in lessons]
    runs = [json.loads((HERE.parent / f"data/results/{name[:2]}.json").read_text("utf-8"))["runs"] for name in lessons]
    families = [attempt.family for attempt in ATTACKS.values()]
    return {
        "lessons": len(lessons),
        "exercises": sum(len(start.load(name).exercises()) for name in lessons),
        "alternatives": sum(len(bank.alternatives) for bank in banks),
        "mistakes": sum(len(bank.mistakes) for bank in banks),
        "attempts": sum(family in ("earn", "steal", "harm", "poison") for family in families),
        "oddities": families.count("honest"),
        "figures": sum(len(numbers_in(run)) - ("seed" in run) for lesson in runs for run in lesson),
    }


def five_lines(n: dict[str, int]) -> str:
    """What makes this course different, with its numbers."""
    return f"""\
- **Every mechanism is an exercise.** {n["lessons"]} lessons, {n["exercises"]} exercises; attention is *scored* against
  data whose truth is known.
- **A check takes every right answer.** {n["alternatives"]:,} that are written otherwise pass; {n["mistakes"]:,} known
  mistakes fail, and each is told in its own sentence.
- **The grader believes nothing that a submission says.** {n["attempts"]} attempts to earn, steal, harm and poison are
  graded in one batch with {n["oddities"]} honest oddities. What gets through is [told](SECURITY.md), too.
- **Claims are measured.** {n["figures"]:,} recorded numbers, from at least three seeds a lesson, beside trivial
  baselines; where the seeds' ranges overlap, the lesson says tie.
- **Nothing is loaded from anywhere.** Data, figures, touchable maps and formulas come with the course; two
  processors and no network are enough.

`python docs/front.py --numbers` counts them anew; these are of {date.today().isoformat()}."""


def picture_of_a_page() -> str:
    """Write the picture of lesson 03's touchable map, as the site shows it; what the map says of itself.

    Raises:
        CourseError: there is no site, or no Chromium.
    """
    from playwright.sync_api import sync_playwright

    page = SITE / "lessons" / "03_additive_attention.html"
    if not page.is_file() or not CHROMIUM.path:
        raise CourseError(
            "The picture is taken of the site: run `make site` first." if CHROMIUM.path else CHROMIUM.sentence
        )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM.path, args=["--no-sandbox", "--disable-gpu"])
        tab = browser.new_page(viewport={"width": 1180, "height": 760}, color_scheme="light")
        tab.goto(page.as_uri(), wait_until="load")
        touch = tab.locator(".lk-touch").first
        touch.scroll_into_view_if_needed()
        touch.evaluate("element => window.scrollTo(0, element.getBoundingClientRect().top + window.scrollY - 170)")
        tab.add_style_tag(content="#pst-back-to-top { display: none !important }")
        tab.screenshot(path=str(HERE / PAGE))
        said = touch.locator(".lk-said").first.inner_text()
        browser.close()
    return said


def picture_of_the_map() -> str:
    """Write the map of the course; the same in words."""
    course = start.stops()
    (HERE / MAP).write_bytes(base64.b64decode(start.draw(course)))
    return start.in_words(course)


def small(name: str) -> None:
    """Save a picture again with 128 colours: a third of its bytes."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.open(HERE / name).convert("RGB").quantize(128, dither=Image.Dither.NONE).save(buffer, "PNG", optimize=True)
    (HERE / name).write_bytes(buffer.getvalue())


def between(text: str, name: str, new: str) -> str:
    """The README with what stands between two marks replaced."""
    begin, end = f"<!-- {name}: `python docs/front.py` writes this -->", f"<!-- end of {name} -->"
    if begin not in text or end not in text:
        raise CourseError(f"README.md: {name} stand between the lines `{begin}` and `{end}`.")
    return re.sub(f"{re.escape(begin)}.*{re.escape(end)}", lambda _: f"{begin}\n{new}\n{end}", text, flags=re.DOTALL)


def main() -> None:
    """Write pictures and numbers, or the numbers alone."""
    text = README.read_text("utf-8")
    if "--numbers" not in sys.argv:
        said, words = picture_of_a_page(), picture_of_the_map()
        for name in (PAGE, MAP):
            small(name)
        page = f"A lesson's page. A French word is chosen; lines, shares and a map tell where it looks: {said}".replace(
            '"', "'"
        )
        text = between(text, "pictures", (
            f'<img src="docs/{PAGE}" width="66%" alt="{page}"> <img src="docs/{MAP}" width="32%" alt="{words}">'
        ))  # fmt: skip
    write_whole(README, between(text, "numbers", five_lines(numbers())))


if __name__ == "__main__":
    try:
        main()
    except CourseError as error:
        sys.exit(str(error))
