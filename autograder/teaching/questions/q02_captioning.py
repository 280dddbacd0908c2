"""Questions about lesson 02."""

from autograder.teaching.question import Questions

QUESTIONS = Questions()
QUESTIONS.ask(
    "Why take the layer before the classes, and not the class scores themselves?",
    "The class scores keep what tells the classes apart, and drop what a caption may need: where, how many, which colour.",
)
QUESTIONS.ask(
    "A caption names the right colours and the right shapes, at the wrong objects. Which part of the model lost what?",
    "The vector holds which attributes occur, and little about which belong together. No decoder can get that back.",
)


@QUESTIONS.variant
def map_size(draw):
    side, layers, channels = draw.choice((32, 48, 64, 96)), draw.choice((2, 3, 4)), draw.choice((16, 32, 64))
    last = side // 2**layers
    asked = (
        f"A picture of {side} × {side} goes through {layers} convolutions with a 3 × 3 kernel, stride 2 and padding 1; the "
        f"last has {channels} channels. How large is the map, how many regions has it, how many numbers does it hold?"
    )
    return asked, f"{last} × {last}, {last**2} regions, {last**2 * channels:,} numbers."


@QUESTIONS.variant
def weights_of_the_picture(draw):
    features, hidden = draw.choice((64, 128, 256)), draw.choice((32, 48, 96))
    asked = (
        f"h_t = tanh(W x_t + U h_(t-1) + V v), with a picture vector v of {features} numbers and {hidden} hidden units. How "
        "many weights does V have? How many more if the picture enters at every step and not only at the first?"
    )
    return asked, f"{hidden} × {features} = {hidden * features:,}; not one more, since V is shared by all steps."
