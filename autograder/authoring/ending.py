"""What the build puts at the end of every lesson: one's progress, handing in, and the way on."""

PAGE = "page"  # the kind of these code cells
_TEXT = (
    "## How far you are\n\n"
    "The first cell counts your points; they are kept on your machine only. The second looks at this notebook as the "
    "grader will, and writes the file to hand in, without outputs, into the folder `handin`. Save the notebook "
    "(Ctrl+S) before you run it."
)
_CODE = {
    "progress": "# Progress: your points in this lesson, and what is open\nlesson.progress()",
    "hand-in": "# Hand in: looks at this notebook, and writes the file to upload\nlesson.hand_in()",
}


def ending(following: str, title: str) -> list[tuple[str, str, str]]:
    """(kind, name, source) of the last cells. `following` is the next lesson's name, "" at the end of the course."""
    ways = ["[All lessons](../start.ipynb)", "[Glossary](../glossary.ipynb)"]
    if following:
        ways.insert(0, f"**Next:** [{title}](../{following}/{following}.ipynb)")
    code = [(PAGE, name, source) for name, source in _CODE.items()]
    return [("markdown", "how-far", _TEXT), *code, ("markdown", "onward", " · ".join(ways))]
