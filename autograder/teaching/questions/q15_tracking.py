"""Questions about lesson 15."""

from autograder.teaching.question import Questions

QUESTIONS = Questions()
QUESTIONS.ask(
    "The object is hidden for five frames. What can attention carry over them?",
    "What the state remembers: where it went, and what it looks like. What is in the window now shows neither.",
)
QUESTIONS.ask(
    "Mean overlap is .7. Name two trackers that behave quite differently and both have it.",
    "One is a little off all the time; another is exact until it is lost for good. A curve by frame tells them apart.",
)


def overlap(one, other):
    """The share of their union that two boxes (top, left, bottom, right) have in common."""
    height = max(0, min(one[2], other[2]) - max(one[0], other[0]))
    width = max(0, min(one[3], other[3]) - max(one[1], other[1]))
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return height * width / (sum(areas) - height * width)


@QUESTIONS.variant
def iou(draw):
    one = (0, 0, draw.randint(6, 9), draw.randint(6, 9))
    other = (draw.randint(1, 4), draw.randint(1, 4), draw.randint(8, 12), draw.randint(8, 12))
    asked = f"Two boxes (top, left, bottom, right) are {one} and {other}. What is their intersection over union?"
    return asked, f"{overlap(one, other):.3f}."


@QUESTIONS.variant
def constant_velocity(draw):
    down, right, turn = draw.randint(1, 3), draw.randint(1, 3), draw.randint(1, 4)
    said, true = (2 * down, 2 * right), (2 * down, 2 * right - turn)
    value = overlap((*said, said[0] + 10, said[1] + 10), (*true, true[0] + 10, true[1] + 10))
    asked = (
        f"A box of 10 × 10 lay at (0, 0), then at ({down}, {right}). A tracker that keeps the velocity says the third frame. "
        f"The object turned and lies {turn} pixels to the left of that. What is the overlap?"
    )
    return asked, f"It says {said}; the truth is {true}: {value:.3f}."
