"""Known answers to lesson 15: wrong ones with the sentence that helps, and right ones written otherwise."""

import torch
from torch.nn import functional as F

from autograder.authoring.bank import alternative, equivalent, mistake

# box_iou


def _shared(a, b):
    return (torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])).clamp(min=0).prod(-1)


def _area(a):
    return (a[..., 2:] - a[..., :2]).prod(-1)


@mistake(
    "box_iou",
    "Boxes that don't touch get a positive area: two negative sides. Clamp *each side* at 0 before you multiply.",
)
def not_clamped(a, b):
    shared = (torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])).prod(-1)
    return shared / (_area(a) + _area(b) - shared)


@mistake("box_iou", "The product is clamped, not the sides: two negative sides have a positive product.")
def product_clamped(a, b):
    shared = (torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])).prod(-1).clamp(min=0)
    return shared / (_area(a) + _area(b) - shared)


@mistake("box_iou", "The quotient is clamped, not the sides: two negative sides have a positive product before that.")
def quotient_clamped(a, b):
    return not_clamped(a, b).clamp(min=0)


@mistake("box_iou", "The union counts the shared part twice: take it off once.")
def shared_counted_twice(a, b):
    return _shared(a, b) / (_area(a) + _area(b))


@mistake("box_iou", "You divide by the area of the second box alone. The union is what *both* cover.")
def over_second_area(a, b):
    return _shared(a, b) / _area(b)


@mistake("box_iou", "You divide by the area of the first box alone. The union is what *both* cover.")
def over_first_area(a, b):
    return _shared(a, b) / _area(a)


@mistake(
    "box_iou", "You divide by the smallest box around both. The union is smaller: the areas, less the shared part."
)
def over_hull(a, b):
    hull = (torch.maximum(a[..., 2:], b[..., 2:]) - torch.minimum(a[..., :2], b[..., :2])).prod(-1)
    return _shared(a, b) / hull


@mistake("box_iou", "The boxes are read as top, left, height, width. The last two numbers are bottom and right.")
def as_sizes(a, b):
    a, b = (torch.cat([box[..., :2], box[..., :2] + box[..., 2:]], -1) for box in (a, b))
    return _shared(a, b) / (_area(a) + _area(b) - _shared(a, b))


@mistake(
    "box_iou",
    "A 1 is added to each side, as for whole pixels that count themselves. Here bottom and right lie outside.",
)
def pixels_counted(a, b):
    a, b = (torch.cat([box[..., :2], box[..., 2:] + 1], -1) for box in (a, b))
    return _shared(a, b) / (_area(a) + _area(b) - _shared(a, b))


@mistake("box_iou", "That is the intersection itself: divide it by the union.")
def intersection(a, b):
    return _shared(a, b)


@mistake("box_iou", "Larger and smaller are swapped: the common box begins at the *larger* top and left.")
def hull_for_intersection(a, b):
    shared = (torch.maximum(a[..., 2:], b[..., 2:]) - torch.minimum(a[..., :2], b[..., :2])).clamp(min=0).prod(-1)
    return shared / (_area(a) + _area(b) - shared)


@mistake("box_iou", "The boxes are read as top, bottom, left, right. The order is top, left, bottom, right.")
def as_pairs_of_sides(a, b):
    a, b = (box[..., [0, 2, 1, 3]] for box in (a, b))
    return _shared(a, b) / (_area(a) + _area(b) - _shared(a, b))


@mistake(
    "box_iou", "A 1 is added to the sides of the shared part. Bottom and right lie outside the box: take bottom − top."
)
def shared_sides_and_one(a, b):
    sides = (torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2]) + 1).clamp(min=0)
    return sides.prod(-1) / (_area(a) + _area(b) - sides.prod(-1))


@mistake(
    "box_iou",
    "Negative sides are made positive by `abs`: boxes that don't touch then share something. Clamp them at 0.",
)
def sides_without_sign(a, b):
    shared = (torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])).abs().prod(-1)
    return shared / (_area(a) + _area(b) - shared)


@mistake(
    "box_iou", "That is 2 · shared / (both areas), another score (Dice). IoU divides the shared part by the union."
)
def dice(a, b):
    return 2 * _shared(a, b) / (_area(a) + _area(b))


@mistake("box_iou", "The two sides are added. An area is their product.")
def sides_added(a, b):
    shared = (torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])).clamp(min=0).sum(-1)
    return shared / (_area(a) + _area(b) - shared)


@mistake("box_iou", "One number comes out for all boxes. Each pair of boxes has its own: don't average.")
def one_number(a, b):
    return (_shared(a, b) / (_area(a) + _area(b) - _shared(a, b))).mean()


@mistake(
    "box_iou",
    "What is added to the union makes every IoU too small. Boxes have a positive size: nothing need be added.",
)
def union_and_a_thousandth(a, b):
    return _shared(a, b) / (_area(a) + _area(b) - _shared(a, b) + 1e-3)


@mistake("box_iou", "The result has an axis of length 1 too many at its end: one number for each pair, (...).")
def an_axis_kept(a, b):
    return (_shared(a, b) / (_area(a) + _area(b) - _shared(a, b))).unsqueeze(-1)


@mistake(
    "box_iou", "You divide by the smaller of the two areas: a small box inside a large one gets 1. Divide by the union."
)
def over_the_smaller(a, b):
    return _shared(a, b) / torch.minimum(_area(a), _area(b))


@mistake("box_iou", "That is 1 less the IoU, a distance. Asked for is the IoU: 1 for the same box.")
def one_less_iou(a, b):
    return 1 - _shared(a, b) / (_area(a) + _area(b) - _shared(a, b))


@mistake(
    "box_iou",
    "For the common box's end the last two numbers are taken for height and width. They are bottom and right already.",
)
def end_from_sizes(a, b):
    end = torch.minimum(a[..., :2] + a[..., 2:], b[..., :2] + b[..., 2:])
    shared = (end - torch.maximum(a[..., :2], b[..., :2])).clamp(min=0).prod(-1)
    return shared / (_area(a) + _area(b) - shared)


@mistake("box_iou", "The shared height is squared, and the shared width not used. An area is height times width.")
def height_squared(a, b):
    sides = (torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])).clamp(min=0)
    return sides[..., 0] ** 2 / (_area(a) + _area(b) - sides[..., 0] ** 2)


@alternative("box_iou")
def side_by_side(a, b):
    top, left, bottom, right = a.unbind(-1)
    top2, left2, bottom2, right2 = b.unbind(-1)
    height = torch.relu(torch.minimum(bottom, bottom2) - torch.maximum(top, top2))
    width = torch.relu(torch.minimum(right, right2) - torch.maximum(left, left2))
    shared = height * width
    return shared / ((bottom - top) * (right - left) + (bottom2 - top2) * (right2 - left2) - shared)


@alternative("box_iou")
def with_stacks(a, b):
    a, b = torch.broadcast_tensors(a, b)
    corner = torch.stack([a[..., :2], b[..., :2]]).amax(0)
    end = torch.stack([a[..., 2:], b[..., 2:]]).amin(0)
    sides = (end - corner).clamp_min(0.0)
    shared = sides[..., 0] * sides[..., 1]
    return shared / (_area(a) + _area(b) - shared)


@alternative("box_iou")
def with_where(a, b):
    sides = torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])
    touch = (sides > 0).all(-1)
    shared = torch.where(touch, sides[..., 0] * sides[..., 1], 0.0)
    return shared.div(_area(a) + _area(b) - shared)


# attention_to_box


@mistake(
    "attention_to_box",
    "The window's size isn't divided by `context`: that is the window as a box, not the object's box.",
)
def window_as_box(attention, context):
    middle, half = attention[..., :2], attention[..., 2:] / 2
    return torch.cat([middle - half, middle + half], -1)


@mistake(
    "attention_to_box",
    "You take off a whole side on each side of the middle: take *half* of the box above, half below.",
)
def whole_sides(attention, context):
    middle, size = attention[..., :2], attention[..., 2:] / context
    return torch.cat([middle - size, middle + size], -1)


@mistake("attention_to_box", "You multiply by `context`. The window is larger than the box: divide.")
def multiplied_by_context(attention, context):
    middle, half = attention[..., :2], attention[..., 2:] * context / 2
    return torch.cat([middle - half, middle + half], -1)


@mistake("attention_to_box", "`context` is fixed at 2. Use the argument.")
def context_of_two(attention, context):
    middle, half = attention[..., :2], attention[..., 2:] / 4
    return torch.cat([middle - half, middle + half], -1)


@mistake("attention_to_box", "The middle is taken for the corner: half of the box lies above and to the left of it.")
def middle_as_corner(attention, context):
    middle, size = attention[..., :2], attention[..., 2:] / context
    return torch.cat([middle, middle + size], -1)


@mistake(
    "attention_to_box",
    "Rows and columns are mixed up: the box is top, left, bottom, right; the window y, x, height, width.",
)
def sides_mixed(attention, context):
    y, x, height, width = attention.unbind(-1)
    half_h, half_w = height / context / 2, width / context / 2
    return torch.stack([y - half_h, y + half_h, x - half_w, x + half_w], -1)


@mistake("attention_to_box", "Height and width are swapped.")
def height_and_width_swapped(attention, context):
    middle, half = attention[..., :2], attention[..., 2:].flip(-1) / (2 * context)
    return torch.cat([middle - half, middle + half], -1)


@mistake("attention_to_box", "You return middle, height and width of the box. Asked for are top, left, bottom, right.")
def still_as_middle(attention, context):
    return torch.cat([attention[..., :2], attention[..., 2:] / context], -1)


@mistake("attention_to_box", "The last two numbers are height and width of the box. Asked for are bottom and right.")
def corner_and_size(attention, context):
    size = attention[..., 2:] / context
    return torch.cat([attention[..., :2] - size / 2, size], -1)


@mistake(
    "attention_to_box",
    "Bottom and right come first with you. The order is top, left (the middle *less* half), bottom, right.",
)
def end_first(attention, context):
    middle, half = attention[..., :2], attention[..., 2:] / context / 2
    return torch.cat([middle + half, middle - half], -1)


@mistake("attention_to_box", "x comes before y here. The order is top, left, bottom, right: y first, as in the window.")
def across_first(attention, context):
    middle, half = attention[..., :2].flip(-1), attention[..., 2:].flip(-1) / context / 2
    return torch.cat([middle - half, middle + half], -1)


@mistake(
    "attention_to_box",
    "The two corners are joined below each other: `torch.cat` takes axis 0 if you don't say `dim=-1`.",
)
def joined_below(attention, context):
    middle, half = attention[..., :2], attention[..., 2:] / context / 2
    return torch.cat([middle - half, middle + half])


@mistake("attention_to_box", "The box is as wide as it is high with you: the height is used for both sides.")
def always_square(attention, context):
    middle, half = attention[..., :2], attention[..., 2:3] / context / 2
    return torch.cat([middle - half, middle + half], -1)


@mistake(
    "attention_to_box",
    "`torch.stack` makes a new axis for the two corners. `torch.cat` along the last axis joins them.",
)
def corners_stacked(attention, context):
    middle, half = attention[..., :2], attention[..., 2:] / context / 2
    return torch.stack([middle - half, middle + half], -1)


@mistake(
    "attention_to_box",
    "`torch.stack` makes a new axis for the two corners. `torch.cat(..., dim=-1)` joins them to four numbers.",
)
def corners_stacked_before(attention, context):
    middle, half = attention[..., :2], attention[..., 2:] / context / 2
    return torch.stack([middle - half, middle + half], -2)


@mistake("attention_to_box", "`//` rounds down, and lets no gradient through. Divide with `/`.")
def divided_with_rest(attention, context):
    middle, half = attention[..., :2], attention[..., 2:] / context // 2
    return torch.cat([middle - half, middle + half], -1)


@mistake(
    "attention_to_box", "The size is divided by `context` twice. Once is enough, and then half of it on each side."
)
def context_twice(attention, context):
    middle, half = attention[..., :2], attention[..., 2:] / context**2 / 2
    return torch.cat([middle - half, middle + half], -1)


@mistake("attention_to_box", "The middle is divided by `context`, too. Box and window have the *same* middle.")
def middle_divided(attention, context):
    middle, half = attention[..., :2] / context, attention[..., 2:] / context / 2
    return torch.cat([middle - half, middle + half], -1)


@alternative("attention_to_box")
def one_by_one(attention, context):
    y, x, height, width = attention.unbind(-1)
    height, width = height / context, width / context
    return torch.stack([y - height / 2, x - width / 2, y + height / 2, x + width / 2], dim=-1)


@alternative("attention_to_box")
def corner_then_size(attention, context):
    size = attention[..., 2:].div(context)
    corner = attention[..., :2] - 0.5 * size
    return torch.cat((corner, corner + size), dim=-1)


@alternative("attention_to_box")
def as_a_matrix(attention, context):
    k = 0.5 / context
    matrix = torch.tensor([[1.0, 0, -k, 0], [0, 1, 0, -k], [1, 0, k, 0], [0, 1, 0, k]], dtype=attention.dtype)
    return attention @ matrix.T


# next_attention


@mistake(
    "next_attention",
    "The middle moves in units of the *window*. A change of 1 should be one height (or width) of the *box*.",
)
def in_windows(attention, change, context):
    middle, size = attention[..., :2], attention[..., 2:]
    return torch.cat([middle + change[..., :2] * size, size * change[..., 2:].exp()], -1)


@mistake("next_attention", "The middle moves in pixels. A change of 1 should be one height (or width) of the box.")
def in_pixels(attention, change, context):
    middle, size = attention[..., :2], attention[..., 2:]
    return torch.cat([middle + change[..., :2], size * change[..., 2:].exp()], -1)


@mistake(
    "next_attention",
    "The size is multiplied by 1 + Δ, which is negative for Δ below −1. What is near it for a small Δ, and never is?",
)
def size_by_one_plus(attention, change, context):
    middle, size = attention[..., :2], attention[..., 2:]
    return torch.cat([middle + change[..., :2] * size / context, size * (1 + change[..., 2:])], -1)


@mistake("next_attention", "Δ is added to the size. Multiply the size by e to the power of Δ.")
def size_added(attention, change, context):
    middle, size = attention[..., :2], attention[..., 2:]
    return torch.cat([middle + change[..., :2] * size / context, size + change[..., 2:]], -1)


@mistake("next_attention", "The size stays as it is: Δ_h and Δ_w aren't used.")
def size_stays(attention, change, context):
    middle, size = attention[..., :2], attention[..., 2:]
    return torch.cat([middle + change[..., :2] * size / context, size], -1)


@mistake("next_attention", "The middle stays where it is: Δ_y and Δ_x aren't used.")
def middle_stays(attention, change, context):
    return torch.cat([attention[..., :2], attention[..., 2:] * change[..., 2:].exp()], -1)


@mistake("next_attention", "The middle moves by the *new* size of the box. Take the size before the change.")
def moved_by_new_size(attention, change, context):
    middle, size = attention[..., :2], attention[..., 2:] * change[..., 2:].exp()
    return torch.cat([middle + change[..., :2] * size / context, size], -1)


@mistake("next_attention", "The middle is replaced, not moved: add the change to where it was.")
def middle_replaced(attention, change, context):
    size = attention[..., 2:]
    return torch.cat([change[..., :2] * size / context, size * change[..., 2:].exp()], -1)


@mistake("next_attention", "Height and width are swapped in the middle's move: Δ_y counts heights, Δ_x widths.")
def units_swapped(attention, change, context):
    middle, size = attention[..., :2], attention[..., 2:]
    return torch.cat([middle + change[..., :2] * size.flip(-1) / context, size * change[..., 2:].exp()], -1)


@mistake(
    "next_attention", "The middle's move is still multiplied by `context`. But the box is *smaller* than the window."
)
def context_times(attention, change, context):
    middle, size = attention[..., :2], attention[..., 2:]
    return torch.cat([middle + change[..., :2] * size * context, size * change[..., 2:].exp()], -1)


@mistake(
    "next_attention", "The size is multiplied by Δ itself, which may be negative. Multiply by e to the power of Δ."
)
def size_times_change(attention, change, context):
    middle, size = attention[..., :2], attention[..., 2:]
    return torch.cat([middle + change[..., :2] * size / context, size * change[..., 2:]], -1)


@mistake(
    "next_attention",
    "The size comes back divided by `context`, as the box's. It is the window's: only the *move* counts in boxes.",
)
def size_of_the_box(attention, change, context):
    middle, size = attention[..., :2], attention[..., 2:] / context
    return torch.cat([middle + change[..., :2] * size, size * change[..., 2:].exp()], -1)


@mistake("next_attention", "Δ_y and Δ_x are swapped in the middle's move: the change has the window's order, y first.")
def move_across_first(attention, change, context):
    middle, size = attention[..., :2], attention[..., 2:]
    return torch.cat([middle + change[..., :2].flip(-1) * size / context, size * change[..., 2:].exp()], -1)


@mistake("next_attention", "The middle moves against the change: add it.")
def moved_back(attention, change, context):
    middle, size = attention[..., :2], attention[..., 2:]
    return torch.cat([middle - change[..., :2] * size / context, size * change[..., 2:].exp()], -1)


@mistake("next_attention", "The size is multiplied by 2 to the power of Δ. The base is e: `.exp()`.")
def powers_of_two(attention, change, context):
    middle, size = attention[..., :2], attention[..., 2:]
    return torch.cat([middle + change[..., :2] * size / context, size * 2 ** change[..., 2:]], -1)


@mistake("next_attention", "The size comes first with you. The window is middle y, middle x, height, width.")
def size_first(attention, change, context):
    middle, size = attention[..., :2], attention[..., 2:]
    return torch.cat([size * change[..., 2:].exp(), middle + change[..., :2] * size / context], -1)


@mistake(
    "next_attention",
    "Middle and size are joined below each other: `torch.cat(..., dim=-1)` joins them to four numbers.",
)
def middle_over_size(attention, change, context):
    middle, size = attention[..., :2], attention[..., 2:]
    return torch.cat([middle + change[..., :2] * size / context, size * change[..., 2:].exp()])


@mistake("next_attention", "`context` is fixed at 2. Use the argument.")
def context_fixed(attention, change, context):
    middle, size = attention[..., :2], attention[..., 2:]
    return torch.cat([middle + change[..., :2] * size / 2, size * change[..., 2:].exp()], -1)


@mistake("next_attention", "The move is measured by where the middle is. Its unit is the *size* of the box.")
def moved_by_the_place(attention, change, context):
    middle, size = attention[..., :2], attention[..., 2:]
    return torch.cat([middle + change[..., :2] * middle / context, size * change[..., 2:].exp()], -1)


@mistake(
    "next_attention",
    "The change is just added. The middle moves in sizes of the box; the size is multiplied by e to the power of Δ.",
)
def change_added(attention, change, context):
    return attention + change


@mistake(
    "next_attention",
    "`torch.stack` makes a new axis for middle and size. `torch.cat(..., dim=-1)` joins them to four numbers.",
)
def middle_and_size_stacked(attention, change, context):
    middle, size = attention[..., :2], attention[..., 2:]
    return torch.stack([middle + change[..., :2] * size / context, size * change[..., 2:].exp()], -1)


@mistake(
    "next_attention",
    "`torch.stack` makes a new axis for middle and size. `torch.cat` along the last axis joins them to four numbers.",
)
def middle_and_size_stacked_before(attention, change, context):
    middle, size = attention[..., :2], attention[..., 2:]
    return torch.stack([middle + change[..., :2] * size / context, size * change[..., 2:].exp()], 1)


@mistake(
    "next_attention",
    "That is the colleague's function as it was. Take the first row of the table: how many pixels is one height of the "
    "*box*, if the window is `context` times as high?",
)
def still_as_found(attention, change, context):
    middle, size = attention[..., :2], attention[..., 2:] * (1 + change[..., 2:])
    return torch.cat([middle + change[..., :2] * size * context, size], -1)


@mistake(
    "next_attention",
    "The move counts in boxes now. Two are left: a size that becomes negative, and *which* size the middle moves by.",
)
def units_mended(attention, change, context):
    middle, size = attention[..., :2], attention[..., 2:] * (1 + change[..., 2:])
    return torch.cat([middle + change[..., :2] * size / context, size], -1)


@mistake(
    "next_attention",
    "The size is right now. Two are left, both in the middle's move: the box is the window *divided* by `context`, and "
    "it counts as it was *before* the change.",
)
def growth_mended(attention, change, context):
    middle, size = attention[..., :2], attention[..., 2:] * change[..., 2:].exp()
    return torch.cat([middle + change[..., :2] * size * context, size], -1)


@mistake(
    "next_attention",
    "The middle moves by the old size now. Two are left: how large a *box* is, and a size that becomes negative.",
)
def order_mended(attention, change, context):
    middle, size = attention[..., :2], attention[..., 2:]
    return torch.cat([middle + change[..., :2] * size * context, size * (1 + change[..., 2:])], -1)


@mistake(
    "next_attention",
    "1 + Δ is clamped at 0: a window of size 0 never grows again, and Δ and −Δ don't undo each other. Which function "
    "makes a product of a sum?",
)
def growth_clamped(attention, change, context):
    middle, size = attention[..., :2], attention[..., 2:]
    return torch.cat([middle + change[..., :2] * size / context, size * (1 + change[..., 2:]).clamp(min=0)], -1)


@mistake(
    "next_attention",
    "1 + Δ has lost its sign by `abs`: below −1 the window grows again, and Δ and −Δ don't undo each other.",
)
def growth_without_sign(attention, change, context):
    middle, size = attention[..., :2], attention[..., 2:]
    return torch.cat([middle + change[..., :2] * size / context, size * (1 + change[..., 2:]).abs()], -1)


@mistake("next_attention", "A positive Δ_h makes the window *less* high: the sign in the exponential is turned round.")
def shrinks_for_growth(attention, change, context):
    middle, size = attention[..., :2], attention[..., 2:]
    return torch.cat([middle + change[..., :2] * size / context, size * (-change[..., 2:]).exp()], -1)


@mistake("next_attention", "Both directions move in heights of the box. Across, the middle moves in *widths*.")
def heights_for_both(attention, change, context):
    middle, size = attention[..., :2], attention[..., 2:]
    return torch.cat([middle + change[..., :2] * size[..., :1] / context, size * change[..., 2:].exp()], -1)


@mistake("next_attention", "The move is divided by `context` twice. Once makes a box of the window.")
def divided_twice(attention, change, context):
    middle, size = attention[..., :2], attention[..., 2:]
    return torch.cat([middle + change[..., :2] * size / context**2, size * change[..., 2:].exp()], -1)


@alternative("next_attention")
def four_numbers(attention, change, context):
    y, x, height, width = attention.unbind(-1)
    dy, dx, dh, dw = change.unbind(-1)
    return torch.stack(
        [y + dy * height / context, x + dx * width / context, height * torch.exp(dh), width * torch.exp(dw)], -1
    )


@alternative("next_attention")
def through_logarithms(attention, change, context):
    size = attention[:, 2:]
    moved = torch.addcmul(attention[:, :2], change[:, :2], size, value=1 / context)
    return torch.hstack([moved, torch.exp(torch.log(size) + change[:, 2:])])


@alternative("next_attention")
def row_by_row(attention, change, context):
    return torch.stack(
        [
            torch.cat([a[:2] + c[:2] * a[2:] / context, a[2:] * c[2:].exp()])
            for a, c in zip(attention, change, strict=True)
        ]
    )


# masked_features


def _scores(features, query):
    return torch.einsum("bd,bdhw->bhw", query, features)


@mistake("masked_features", "The scale is missing: divide the scores by √D.")
def without_scale(features, query, position):
    mask = torch.sigmoid(_scores(features, query) + position)
    return mask, features * mask.unsqueeze(1)


@mistake("masked_features", "The scores are divided by D. Divide by its root.")
def divided_by_width(features, query, position):
    mask = torch.sigmoid(_scores(features, query) / features.shape[1] + position)
    return mask, features * mask.unsqueeze(1)


@mistake(
    "masked_features", "All places share out one weight: that is softmax, too. Each place needs a switch of its own."
)
def with_softmax(features, query, position):
    scores = _scores(features, query) / features.shape[1] ** 0.5 + position
    mask = torch.softmax(scores.flatten(1), dim=1).view_as(scores)
    return mask, features * mask.unsqueeze(1)


@mistake("masked_features", "The position is divided by √D, too: it is added after the scale.")
def position_scaled(features, query, position):
    mask = torch.sigmoid((_scores(features, query) + position) / features.shape[1] ** 0.5)
    return mask, features * mask.unsqueeze(1)


@mistake("masked_features", "The position p isn't used: add it to the scores.")
def without_position(features, query, position):
    mask = torch.sigmoid(_scores(features, query) / features.shape[1] ** 0.5)
    return mask, features * mask.unsqueeze(1)


@mistake("masked_features", "The position is added after σ, so the mask may leave 0 to 1. It belongs to the score.")
def position_outside(features, query, position):
    mask = torch.sigmoid(_scores(features, query) / features.shape[1] ** 0.5) + position
    return mask, features * mask.unsqueeze(1)


@mistake("masked_features", "These are the scores: apply σ, so that they lie between 0 and 1.")
def without_sigmoid(features, query, position):
    mask = _scores(features, query) / features.shape[1] ** 0.5 + position
    return mask, features * mask.unsqueeze(1)


@mistake("masked_features", "The features are weighed by the query, too. The query only makes the mask.")
def query_in_features(features, query, position):
    mask = torch.sigmoid(_scores(features, query) / features.shape[1] ** 0.5 + position)
    return mask, features * query[:, :, None, None] * mask.unsqueeze(1)


@mistake("masked_features", "The features come back unmasked: multiply them by the mask.")
def not_masked(features, query, position):
    return torch.sigmoid(_scores(features, query) / features.shape[1] ** 0.5 + position), features


@mistake("masked_features", "You average the masked features over the places. Keep them where they are: (B, D, H, W).")
def averaged(features, query, position):
    mask = torch.sigmoid(_scores(features, query) / features.shape[1] ** 0.5 + position)
    return mask, (features * mask.unsqueeze(1)).mean((2, 3))


def _with(features, query, position, mask):
    return mask, features * mask.unsqueeze(1)


def _scaled(features, query, position, width=None):
    return _scores(features, query) / (width or features.shape[1]) ** 0.5 + position


@mistake(
    "masked_features",
    "Each row of places still shares out one weight: that is softmax. Each place needs a switch of its own.",
)
def softmax_of_each_row(features, query, position):
    return _with(features, query, position, _scaled(features, query, position).softmax(-1))


@mistake("masked_features", "The position is multiplied with the scores. Add it.")
def position_multiplied(features, query, position):
    mask = torch.sigmoid(_scores(features, query) / features.shape[1] ** 0.5 * position)
    return _with(features, query, position, mask)


@mistake(
    "masked_features",
    "The features are masked rightly, but the scores come back in place of the mask: return σ of them.",
)
def scores_for_the_mask(features, query, position):
    scores = _scaled(features, query, position)
    return scores, features * torch.sigmoid(scores).unsqueeze(1)


@mistake("masked_features", "The results are in another order: first the mask, then the masked features.")
def features_first(features, query, position):
    mask = torch.sigmoid(_scaled(features, query, position))
    return features * mask.unsqueeze(1), mask


@mistake("masked_features", "The width is fixed at 32. D is the length of axis 1 of the features.")
def width_of_32(features, query, position):
    return _with(features, query, position, torch.sigmoid(_scaled(features, query, position, 32)))


@mistake(
    "masked_features",
    "The scale is still the root of the map's width: cut the map, and it changes. What does the dot product sum over?",
)
def root_of_the_last_axis(features, query, position):
    return _with(features, query, position, torch.sigmoid(_scaled(features, query, position, features.shape[-1])))


@mistake(
    "masked_features",
    "You divide by the root of the batch's size. D, the number of features, is axis 1: `features.shape[1]`.",
)
def root_of_the_batch(features, query, position):
    return _with(features, query, position, torch.sigmoid(_scaled(features, query, position, features.shape[0])))


@mistake(
    "masked_features",
    "The mask keeps an axis of length 1. Return it as (B, H, W), and put the axis in for the product only.",
)
def mask_with_an_axis(features, query, position):
    mask = torch.sigmoid(_scaled(features, query, position)).unsqueeze(1)
    return mask, features * mask


@mistake("masked_features", "The mask is upside down: σ of *minus* the scores, 1 − s. A good fit opens the switch.")
def mask_turned_round(features, query, position):
    return _with(features, query, position, torch.sigmoid(-_scaled(features, query, position)))


@mistake("masked_features", "That is tanh, from −1 to 1. The mask runs from 0 to 1: `torch.sigmoid`.")
def with_tanh(features, query, position):
    return _with(features, query, position, torch.tanh(_scaled(features, query, position)))


@mistake("masked_features", "The features are switched by mask > ½, all or nothing. Multiply by the mask itself.")
def all_or_nothing(features, query, position):
    mask = torch.sigmoid(_scaled(features, query, position))
    return mask, features * (mask > 0.5).unsqueeze(1)


@mistake("masked_features", "The features themselves are added to the masked ones. Return s v alone.")
def features_added(features, query, position):
    mask = torch.sigmoid(_scaled(features, query, position))
    return mask, features + features * mask.unsqueeze(1)


@mistake("masked_features", "You add up the masked features over the places. Keep them where they are: (B, D, H, W).")
def summed_over_places(features, query, position):
    mask = torch.sigmoid(_scaled(features, query, position))
    return mask, (features * mask.unsqueeze(1)).sum((2, 3))


@mistake(
    "masked_features", "Each feature gets a mask of its own: the product of query and features isn't summed over D."
)
def a_mask_for_each_feature(features, query, position):
    mask = torch.sigmoid(features * query[:, :, None, None] / features.shape[1] ** 0.5 + position)
    return mask, features * mask


@mistake("masked_features", "The position is subtracted. Add it.")
def position_subtracted(features, query, position):
    return _with(features, query, position, torch.sigmoid(_scaled(features, query, -position)))


@mistake(
    "masked_features",
    "That is the colleague's function as it was. Print `mask.sum(-1)`: each row of places shares out a weight of 1.",
)
def mask_still_as_found(features, query, position):
    mask = (_scores(features, query) / features.shape[-1] ** 0.5 + position).softmax(-1)
    return _with(features, query, position, mask)


@mistake(
    "masked_features",
    "Now all places share out one weight, in place of each row. None may share: a switch of its own for each place. "
    "And the scale still depends on the map's width.",
)
def shared_by_all_and_scaled_by_width(features, query, position):
    scores = _scores(features, query) / features.shape[-1] ** 0.5 + position
    return _with(features, query, position, scores.flatten(1).softmax(1).view_as(scores))


@mistake(
    "masked_features",
    "The largest score is taken off and exp of the rest is the mask: the best place is always 1, so the mask can't "
    "close, and each place still depends on another.",
)
def beside_the_best(features, query, position):
    scores = _scaled(features, query, position)
    return _with(features, query, position, (scores - scores.amax((1, 2), keepdim=True)).exp())


@mistake(
    "masked_features",
    "The scores are clamped to 0 and 1: outside no gradient says where to go. A recurrent cell's gate is smooth.",
)
def scores_clamped(features, query, position):
    return _with(features, query, position, _scaled(features, query, position).clamp(0, 1))


@mistake(
    "masked_features",
    "The mask is 0 or 1, and lets no gradient through: no query could ever be learned. The gate of a recurrent cell is "
    "smooth.",
)
def mask_of_zeros_and_ones(features, query, position):
    return _with(features, query, position, (_scaled(features, query, position) > 0).to(features.dtype))


@mistake(
    "masked_features",
    "You divide by the root of the map's height. The dot product sums over D, the number of features: axis 1.",
)
def root_of_the_height(features, query, position):
    return _with(features, query, position, torch.sigmoid(_scaled(features, query, position, features.shape[2])))


@mistake("masked_features", "The position's rows and columns are swapped: p is (H, W), as the map is.")
def position_turned(features, query, position):
    turned = position.T.reshape(position.shape)
    return _with(features, query, position, torch.sigmoid(_scaled(features, query, turned)))


@mistake("masked_features", "The first clip's query is used for all clips. Each clip has its own: `query[b]`.")
def first_query_for_all(features, query, position):
    return _with(features, query, position, torch.sigmoid(_scaled(features, query[:1].expand_as(query), position)))


@mistake("masked_features", "The queries are averaged over the clips. Each clip has its own: `query[b]`.")
def queries_averaged(features, query, position):
    mean = query.mean(0, keepdim=True).expand_as(query)
    return _with(features, query, position, torch.sigmoid(_scaled(features, mean, position)))


@mistake(
    "masked_features",
    "The mask is right, but the features are multiplied by the *scores*. Multiply them by the mask.",
)
def features_times_scores(features, query, position):
    scores = _scaled(features, query, position)
    return torch.sigmoid(scores), features * scores.unsqueeze(1)


@alternative("masked_features")
def sum_over_features(features, query, position):
    scores = (features * query[:, :, None, None]).sum(1) / features.size(1) ** 0.5
    mask = (scores + position).sigmoid()
    return mask, mask[:, None] * features


@alternative("masked_features")
def as_a_product(features, query, position):
    B, D, H, W = features.shape
    scores = torch.bmm(query.unsqueeze(1), features.reshape(B, D, H * W)).view(B, H, W)
    mask = 1 / (1 + torch.exp(-(scores * D**-0.5 + position)))
    return mask, torch.einsum("bhw,bdhw->bdhw", mask, features)


@alternative("masked_features")
def clip_by_clip(features, query, position):
    masks = torch.stack(
        [
            torch.sigmoid(torch.tensordot(q, v, dims=1) / len(q) ** 0.5 + position)
            for q, v in zip(query, features, strict=True)
        ]
    )
    return masks, features * masks.unsqueeze(1)


# tracking_loss


def _iou(a, b):
    return _shared(a, b) / (_area(a) + _area(b) - _shared(a, b))


def _share(seen, gold):
    return _shared(seen, gold) / _area(gold)


def _total(box, window, mask, lambda_a, lambda_s):
    return box + lambda_a * window + lambda_s * mask


def _log(share):
    return -share.clamp(min=1e-3).log().mean()


@mistake(
    "tracking_loss", "The mean is taken before the logarithm. Each frame costs −log of its own IoU; then the mean."
)
def log_of_mean(boxes, seen, masks, gold, gold_masks, lambda_a, lambda_s, iou):
    return _total(
        -_iou(boxes, gold).mean().clamp(min=1e-3).log(),
        -_share(seen, gold).mean().clamp(min=1e-3).log(),
        F.binary_cross_entropy(masks, gold_masks), lambda_a, lambda_s,
    )  # fmt: skip


@mistake("tracking_loss", "A lost object costs an infinite loss: clamp the shares at 1e-3 before the logarithm.")
def without_floor(boxes, seen, masks, gold, gold_masks, lambda_a, lambda_s, iou):
    window = -_share(seen, gold).log().mean()
    return _total(
        -_iou(boxes, gold).log().mean(), window, F.binary_cross_entropy(masks, gold_masks), lambda_a, lambda_s
    )


@mistake("tracking_loss", "1e-3 is added to the shares. They are clamped: those above it stay as they are.")
def floor_added(boxes, seen, masks, gold, gold_masks, lambda_a, lambda_s, iou):
    box, window = -(_iou(boxes, gold) + 1e-3).log().mean(), -(_share(seen, gold) + 1e-3).log().mean()
    return _total(box, window, F.binary_cross_entropy(masks, gold_masks), lambda_a, lambda_s)


@mistake(
    "tracking_loss",
    "The window's loss takes IoU. It would punish a window for being larger than the object: divide by |b| alone.",
)
def iou_of_window(boxes, seen, masks, gold, gold_masks, lambda_a, lambda_s, iou):
    mask = F.binary_cross_entropy(masks, gold_masks)
    return _total(_log(_iou(boxes, gold)), _log(_iou(seen, gold)), mask, lambda_a, lambda_s)


@mistake(
    "tracking_loss",
    "The window's loss is divided by the window's area. It asks how much of the *object* is in it: divide by |b|.",
)
def over_window_area(boxes, seen, masks, gold, gold_masks, lambda_a, lambda_s, iou):
    window = _log(_shared(seen, gold) / _area(seen))
    return _total(_log(_iou(boxes, gold)), window, F.binary_cross_entropy(masks, gold_masks), lambda_a, lambda_s)


@mistake("tracking_loss", "λ_a and λ_s have changed places: λ_a weighs the window's loss, λ_s the mask's.")
def weights_swapped(boxes, seen, masks, gold, gold_masks, lambda_a, lambda_s, iou):
    mask = F.binary_cross_entropy(masks, gold_masks)
    return _total(_log(_iou(boxes, gold)), _log(_share(seen, gold)), mask, lambda_s, lambda_a)


@mistake("tracking_loss", "The losses are added without their weights λ.")
def without_weights(boxes, seen, masks, gold, gold_masks, lambda_a, lambda_s, iou):
    mask = F.binary_cross_entropy(masks, gold_masks)
    return _total(_log(_iou(boxes, gold)), _log(_share(seen, gold)), mask, 1.0, 1.0)


@mistake("tracking_loss", "The losses are added up over clips and frames. Take the mean.")
def summed(boxes, seen, masks, gold, gold_masks, lambda_a, lambda_s, iou):
    box, window = (-share.clamp(min=1e-3).log().sum() for share in (_iou(boxes, gold), _share(seen, gold)))
    return _total(box, window, F.binary_cross_entropy(masks, gold_masks, reduction="sum"), lambda_a, lambda_s)


@mistake("tracking_loss", "1 − IoU in place of −log IoU.")
def one_minus_iou(boxes, seen, masks, gold, gold_masks, lambda_a, lambda_s, iou):
    mask = F.binary_cross_entropy(masks, gold_masks)
    return _total((1 - _iou(boxes, gold)).mean(), _log(_share(seen, gold)), mask, lambda_a, lambda_s)


@mistake(
    "tracking_loss", "Masks and gold masks are swapped in the cross-entropy: first what was said, then what is true."
)
def cross_entropy_turned(boxes, seen, masks, gold, gold_masks, lambda_a, lambda_s, iou):
    mask = -(masks * gold_masks.clamp(min=1e-3).log() + (1 - masks) * (1 - gold_masks).clamp(min=1e-3).log()).mean()
    return _total(_log(_iou(boxes, gold)), _log(_share(seen, gold)), mask, lambda_a, lambda_s)


@mistake("tracking_loss", "The masks are taken for scores, with a σ once more. They are numbers from 0 to 1 already.")
def sigmoid_again(boxes, seen, masks, gold, gold_masks, lambda_a, lambda_s, iou):
    mask = F.binary_cross_entropy_with_logits(masks, gold_masks)
    return _total(_log(_iou(boxes, gold)), _log(_share(seen, gold)), mask, lambda_a, lambda_s)


@mistake("tracking_loss", "The window's loss is missing.")
def without_window(boxes, seen, masks, gold, gold_masks, lambda_a, lambda_s, iou):
    return _log(_iou(boxes, gold)) + lambda_s * F.binary_cross_entropy(masks, gold_masks)


@mistake("tracking_loss", "The mask's loss is missing.")
def without_mask(boxes, seen, masks, gold, gold_masks, lambda_a, lambda_s, iou):
    return _log(_iou(boxes, gold)) + lambda_a * _log(_share(seen, gold))


@mistake(
    "tracking_loss",
    "The logarithm is clamped, not the share: where the object is lost its gradient is infinite times zero. "
    "Clamp before `.log()`.",
)
def clamped_after_the_logarithm(boxes, seen, masks, gold, gold_masks, lambda_a, lambda_s, iou):
    most = torch.tensor(1e3).log().item()
    box, window = ((-share.log()).clamp(max=most).mean() for share in (_iou(boxes, gold), _share(seen, gold)))
    return _total(box, window, F.binary_cross_entropy(masks, gold_masks), lambda_a, lambda_s)


@mistake("tracking_loss", "A lost object is left out of the mean. It must cost something: clamp its share at 1e-3.")
def lost_ones_left_out(boxes, seen, masks, gold, gold_masks, lambda_a, lambda_s, iou):
    box, window = (-share[share > 0].log().mean() for share in (_iou(boxes, gold), _share(seen, gold)))
    return _total(box, window, F.binary_cross_entropy(masks, gold_masks), lambda_a, lambda_s)


def _all(boxes, seen, masks, gold, gold_masks, lambda_a, lambda_s, box=None, window=None, mask=None):
    """The loss with some of its three parts replaced."""
    box = _log(_iou(boxes, gold)) if box is None else box
    window = _log(_share(seen, gold)) if window is None else window
    mask = F.binary_cross_entropy(masks, gold_masks) if mask is None else mask
    return _total(box, window, mask, lambda_a, lambda_s)


@mistake(
    "tracking_loss",
    "In L_b the mean is taken before the logarithm. Each frame costs −log of its own IoU; then the mean.",
)
def log_of_the_mean_box(boxes, seen, masks, gold, gold_masks, lambda_a, lambda_s, iou):
    box = -_iou(boxes, gold).mean().clamp(min=1e-3).log()
    return _all(boxes, seen, masks, gold, gold_masks, lambda_a, lambda_s, box=box)


@mistake(
    "tracking_loss", "In L_b each clip's mean is taken before the logarithm. Each frame costs −log of its own IoU."
)
def log_of_each_clips_mean(boxes, seen, masks, gold, gold_masks, lambda_a, lambda_s, iou):
    box = -_iou(boxes, gold).mean(1).clamp(min=1e-3).log().mean()
    return _all(boxes, seen, masks, gold, gold_masks, lambda_a, lambda_s, box=box)


@mistake(
    "tracking_loss",
    "L_b has no floor: a lost object costs an infinite loss. Clamp its IoU at 1e-3 before the logarithm.",
)
def box_without_floor(boxes, seen, masks, gold, gold_masks, lambda_a, lambda_s, iou):
    box = -_iou(boxes, gold).log().mean()
    return _all(boxes, seen, masks, gold, gold_masks, lambda_a, lambda_s, box=box)


@mistake(
    "tracking_loss", "L_a has no floor: an object outside the window costs an infinite loss. Clamp its share at 1e-3."
)
def window_without_floor(boxes, seen, masks, gold, gold_masks, lambda_a, lambda_s, iou):
    window = -_share(seen, gold).log().mean()
    return _all(boxes, seen, masks, gold, gold_masks, lambda_a, lambda_s, window=window)


@mistake("tracking_loss", "In L_b 1e-3 is added to the IoU. It is clamped: what lies above 1e-3 stays as it is.")
def floor_added_to_the_box(boxes, seen, masks, gold, gold_masks, lambda_a, lambda_s, iou):
    box = -(_iou(boxes, gold) + 1e-3).log().mean()
    return _all(boxes, seen, masks, gold, gold_masks, lambda_a, lambda_s, box=box)


@mistake(
    "tracking_loss",
    "The shares are clamped at another floor than 1e-3: yours, 1e-8, makes a lost object cost too much.",
)
def a_lower_floor(boxes, seen, masks, gold, gold_masks, lambda_a, lambda_s, iou):
    box, window = (-share.clamp(min=1e-8).log().mean() for share in (_iou(boxes, gold), _share(seen, gold)))
    return _all(boxes, seen, masks, gold, gold_masks, lambda_a, lambda_s, box=box, window=window)


@mistake(
    "tracking_loss",
    "The shares are clamped at another floor than 1e-3: yours, 1e-6, makes a lost object cost too much.",
)
def a_floor_of_a_millionth(boxes, seen, masks, gold, gold_masks, lambda_a, lambda_s, iou):
    box, window = (-share.clamp(min=1e-6).log().mean() for share in (_iou(boxes, gold), _share(seen, gold)))
    return _all(boxes, seen, masks, gold, gold_masks, lambda_a, lambda_s, box=box, window=window)


@mistake("tracking_loss", "L_b and L_a are added up over clips and frames. Take the mean.")
def shares_summed(boxes, seen, masks, gold, gold_masks, lambda_a, lambda_s, iou):
    box, window = (-share.clamp(min=1e-3).log().sum() for share in (_iou(boxes, gold), _share(seen, gold)))
    return _all(boxes, seen, masks, gold, gold_masks, lambda_a, lambda_s, box=box, window=window)


@mistake("tracking_loss", "L_b lacks its minus: −log IoU is 0 for the same box, and grows as boxes part.")
def box_without_minus(boxes, seen, masks, gold, gold_masks, lambda_a, lambda_s, iou):
    return _all(boxes, seen, masks, gold, gold_masks, lambda_a, lambda_s, box=-_log(_iou(boxes, gold)))


@mistake(
    "tracking_loss", "L_b and L_a lack their minus: −log of a share is 0 for a whole one, and grows as it shrinks."
)
def both_without_minus(boxes, seen, masks, gold, gold_masks, lambda_a, lambda_s, iou):
    box, window = -_log(_iou(boxes, gold)), -_log(_share(seen, gold))
    return _all(boxes, seen, masks, gold, gold_masks, lambda_a, lambda_s, box=box, window=window)


@mistake(
    "tracking_loss", "`F.binary_cross_entropy` takes first what was said, the masks, then what is true, the gold masks."
)
def true_masks_first(boxes, seen, masks, gold, gold_masks, lambda_a, lambda_s, iou):
    mask = F.binary_cross_entropy(gold_masks, masks)
    return _all(boxes, seen, masks, gold, gold_masks, lambda_a, lambda_s, mask=mask)


@mistake("tracking_loss", "The mask's loss is the squared error. Asked for is cross-entropy.")
def squared_error_of_the_mask(boxes, seen, masks, gold, gold_masks, lambda_a, lambda_s, iou):
    return _all(boxes, seen, masks, gold, gold_masks, lambda_a, lambda_s, mask=F.mse_loss(masks, gold_masks))


@mistake("tracking_loss", "The mask's loss only counts the places inside the box. A mask open outside must cost, too.")
def inside_alone(boxes, seen, masks, gold, gold_masks, lambda_a, lambda_s, iou):
    return _all(boxes, seen, masks, gold, gold_masks, lambda_a, lambda_s, mask=-(gold_masks * masks.log()).mean())


@mistake("tracking_loss", "In L_a two negative sides make a positive area: clamp *each side* at 0 before you multiply.")
def window_sides_not_clamped(boxes, seen, masks, gold, gold_masks, lambda_a, lambda_s, iou):
    sides = torch.minimum(seen[..., 2:], gold[..., 2:]) - torch.maximum(seen[..., :2], gold[..., :2])
    window = _log(sides.prod(-1) / _area(gold))
    return _all(boxes, seen, masks, gold, gold_masks, lambda_a, lambda_s, window=window)


@mistake("tracking_loss", "A loss for each clip comes out. Asked for is one number: the mean over clips, too.")
def a_loss_for_each_clip(boxes, seen, masks, gold, gold_masks, lambda_a, lambda_s, iou):
    box = -_iou(boxes, gold).clamp(min=1e-3).log().mean(1)
    return _all(boxes, seen, masks, gold, gold_masks, lambda_a, lambda_s, box=box)


@mistake("tracking_loss", "Box and window are swapped: L_b takes what was said, `boxes`, L_a what was `seen`.")
def box_and_window_swapped(boxes, seen, masks, gold, gold_masks, lambda_a, lambda_s, iou):
    return _all(seen, boxes, masks, gold, gold_masks, lambda_a, lambda_s)


@mistake(
    "tracking_loss",
    "The mask's loss is added up over all places. Take the mean, as `F.binary_cross_entropy` does by itself.",
)
def mask_summed(boxes, seen, masks, gold, gold_masks, lambda_a, lambda_s, iou):
    mask = F.binary_cross_entropy(masks, gold_masks, reduction="sum")
    return _all(boxes, seen, masks, gold, gold_masks, lambda_a, lambda_s, mask=mask)


@mistake(
    "tracking_loss",
    "`F.cross_entropy` chooses one among several (softmax). Each place is a yes or no: `F.binary_cross_entropy`.",
)
def one_place_of_many(boxes, seen, masks, gold, gold_masks, lambda_a, lambda_s, iou):
    return _all(boxes, seen, masks, gold, gold_masks, lambda_a, lambda_s, mask=F.cross_entropy(masks, gold_masks))


@mistake("tracking_loss", "That is the logarithm to base 10. `.log()` is to base e.")
def to_base_ten(boxes, seen, masks, gold, gold_masks, lambda_a, lambda_s, iou):
    box, window = (-share.clamp(min=1e-3).log10().mean() for share in (_iou(boxes, gold), _share(seen, gold)))
    return _all(boxes, seen, masks, gold, gold_masks, lambda_a, lambda_s, box=box, window=window)


@mistake(
    "tracking_loss",
    "In L_b the logarithm is clamped, not the IoU: where the object is lost its gradient is infinite times zero. "
    "Clamp before `.log()`.",
)
def box_clamped_after_the_logarithm(boxes, seen, masks, gold, gold_masks, lambda_a, lambda_s, iou):
    most = torch.tensor(1e3).log().item()
    box = (-_iou(boxes, gold).log()).clamp(max=most).mean()
    return _all(boxes, seen, masks, gold, gold_masks, lambda_a, lambda_s, box=box)


@mistake("tracking_loss", "The three losses are averaged. Asked for is their weighted sum.")
def a_third_of_it(boxes, seen, masks, gold, gold_masks, lambda_a, lambda_s, iou):
    return _all(boxes, seen, masks, gold, gold_masks, lambda_a, lambda_s) / 3


@mistake("tracking_loss", "L_b adds up the frames of a clip. Take the mean over clips *and* frames.")
def frames_added_up(boxes, seen, masks, gold, gold_masks, lambda_a, lambda_s, iou):
    box = -_iou(boxes, gold).clamp(min=1e-3).log().sum(1).mean()
    return _all(boxes, seen, masks, gold, gold_masks, lambda_a, lambda_s, box=box)


@mistake(
    "tracking_loss", "L_a is computed of `boxes`. It asks how much of the object is in the *window*, which is `seen`."
)
def boxes_for_windows(boxes, seen, masks, gold, gold_masks, lambda_a, lambda_s, iou):
    return _all(boxes, boxes, masks, gold, gold_masks, lambda_a, lambda_s)


@mistake("tracking_loss", "L_b is computed of the windows, `seen`. It asks how well the boxes fit that were *said*.")
def windows_for_boxes(boxes, seen, masks, gold, gold_masks, lambda_a, lambda_s, iou):
    return _all(seen, seen, masks, gold, gold_masks, lambda_a, lambda_s)


@mistake(
    "tracking_loss",
    "L_a lacks its minus: −log of a share is 0 where the whole object is seen, and grows as it shrinks.",
)
def window_without_minus(boxes, seen, masks, gold, gold_masks, lambda_a, lambda_s, iou):
    return _all(boxes, seen, masks, gold, gold_masks, lambda_a, lambda_s, window=-_log(_share(seen, gold)))


@mistake(
    "tracking_loss",
    "In L_a the mean is taken before the logarithm. Each frame costs −log of its own share; then the mean.",
)
def log_of_the_mean_share(boxes, seen, masks, gold, gold_masks, lambda_a, lambda_s, iou):
    window = -_share(seen, gold).mean().clamp(min=1e-3).log()
    return _all(boxes, seen, masks, gold, gold_masks, lambda_a, lambda_s, window=window)


@mistake("tracking_loss", "L_b takes the logarithm to base 2. `.log()` is to base e.")
def box_in_bits(boxes, seen, masks, gold, gold_masks, lambda_a, lambda_s, iou):
    box = -_iou(boxes, gold).clamp(min=1e-3).log2().mean()
    return _all(boxes, seen, masks, gold, gold_masks, lambda_a, lambda_s, box=box)


@mistake(
    "tracking_loss", "L_b has another floor than L_a: yours, 1e-6, makes a lost object cost too much. Clamp at 1e-3."
)
def box_floor_of_a_millionth(boxes, seen, masks, gold, gold_masks, lambda_a, lambda_s, iou):
    box = -_iou(boxes, gold).clamp(min=1e-6).log().mean()
    return _all(boxes, seen, masks, gold, gold_masks, lambda_a, lambda_s, box=box)


@alternative("tracking_loss")
def cross_entropy_by_hand(boxes, seen, masks, gold, gold_masks, lambda_a, lambda_s, iou):
    mask = -(gold_masks * masks.log() + (1 - gold_masks) * (1 - masks).log()).mean()
    return _total(_log(_iou(boxes, gold)), _log(_share(seen, gold)), mask, lambda_a, lambda_s)


@alternative("tracking_loss")
def frame_by_frame(boxes, seen, masks, gold, gold_masks, lambda_a, lambda_s, iou):
    floor = torch.tensor(1e-3)
    total = 0.0
    for t in range(gold.shape[1]):
        box = -torch.log(torch.maximum(_iou(boxes[:, t], gold[:, t]), floor)).mean()
        window = -torch.log(torch.maximum(_share(seen[:, t], gold[:, t]), floor)).mean()
        total = total + _total(box, window, F.binary_cross_entropy(masks[:, t], gold_masks[:, t]), lambda_a, lambda_s)
    return total / gold.shape[1]


@alternative("tracking_loss")
def with_logits_of_the_mask(boxes, seen, masks, gold, gold_masks, lambda_a, lambda_s, iou):
    mask = F.binary_cross_entropy_with_logits(torch.logit(masks), gold_masks)
    shares = torch.stack([_iou(boxes, gold), _share(seen, gold)]).clamp(min=1e-3)
    box, window = -shares.log().flatten(1).mean(1)
    return _total(box, window, mask, lambda_a, lambda_s)


# lost_at


@mistake(
    "lost_at",
    "That is the first frame below the threshold. A digit behind the bar is found again: only the *last* run counts.",
)
def first_below(iou, threshold):
    below = iou < threshold
    first = below.int().argmax(-1)
    return torch.where(below.any(-1), first, iou.shape[-1])


@mistake("lost_at", "You count the frames below the threshold. Asked for is the frame from which it never comes back.")
def frames_below(iou, threshold):
    return (iou < threshold).sum(-1)


@mistake("lost_at", "You count the frames in which it was found. Those in which it hid and came back count, too.")
def frames_found(iou, threshold):
    return (iou >= threshold).sum(-1)


@mistake("lost_at", "You return the *last frame in which it was found*. It is lost from the next one on: add 1.")
def last_found(iou, threshold):
    T = iou.shape[-1]
    return torch.where(iou >= threshold, torch.arange(T), -1).amax(-1)


@mistake("lost_at", "A clip that is never lost must give T, the number of frames. You return −1.")
def minus_one_if_found(iou, threshold):
    T = iou.shape[-1]
    lost = torch.where(iou >= threshold, torch.arange(T), -1).amax(-1) + 1
    return torch.where(lost == T, -1, lost)


@mistake("lost_at", "A frame exactly at the threshold counts as found: ≥, not >.")
def above_threshold(iou, threshold):
    T = iou.shape[-1]
    return torch.where(iou > threshold, torch.arange(T), -1).amax(-1) + 1


@mistake("lost_at", "The threshold is fixed at 0.3. Use the argument.")
def threshold_of_three_tenths(iou, threshold):
    return torch.where(iou >= 0.3, torch.arange(1, iou.shape[-1] + 1), 0).amax(-1)


@mistake("lost_at", "You only look at the last frame. Where did the run of lost frames at the end begin?")
def last_frame_alone(iou, threshold):
    T = iou.shape[-1]
    return torch.where(iou[:, -1] >= threshold, T, T - 1)


@mistake(
    "lost_at", "You look from the front: that is the number of frames before the object is found for the first time."
)
def from_the_front(iou, threshold):
    return ((iou >= threshold).cumsum(-1) == 0).sum(-1)


@mistake("lost_at", "You return how many frames it is lost for. Asked for is the frame from which on: T less that.")
def how_long(iou, threshold):
    return ((iou >= threshold).flip(-1).cumsum(-1) == 0).sum(-1)


@mistake("lost_at", "Frames count from 0 here: a clip that is lost from its first frame on gives 0.")
def counted_from_one(iou, threshold):
    T = iou.shape[-1]
    lost = torch.where(iou >= threshold, torch.arange(T), -1).amax(-1) + 1
    return torch.where(lost < T, lost + 1, lost)


def _found_since(found):
    return (found.cumsum(-1) > 0).sum(-1)


@mistake(
    "lost_at",
    "You count from the front: these are the frames since it was *first* found. Turn them round first, `flip(-1)`.",
)
def not_turned_round(iou, threshold):
    return _found_since(iou >= threshold)


@mistake("lost_at", "The *clips* are turned round. The frames are the last axis: `flip(-1)`.")
def clips_turned_round(iou, threshold):
    return _found_since((iou >= threshold).flip(0))


@mistake("lost_at", "You count over the clips, axis 0. Frames are the last axis: `cumsum(-1)`.")
def counted_over_clips(iou, threshold):
    return ((iou >= threshold).flip(-1).cumsum(0) > 0).sum(-1)


@mistake("lost_at", "Each answer is one too many. Frames count from 0, and a clip that is never lost gives T.")
def one_too_many(iou, threshold):
    return _found_since((iou >= threshold).flip(-1)) + 1


@mistake("lost_at", "Being found once is enough: `> 0`, not `> 1`.")
def found_twice(iou, threshold):
    return ((iou >= threshold).flip(-1).cumsum(-1) > 1).sum(-1)


@mistake(
    "lost_at", "A clip that is lost from its first frame on must give 0: the walk backwards stops one frame too early."
)
def never_zero(iou, threshold):
    return _found_since((iou >= threshold).flip(-1)).clamp(min=1)


@mistake("lost_at", "The threshold is fixed at 0.5. Use the argument.")
def threshold_of_a_half(iou, threshold):
    return _found_since((iou >= 0.5).flip(-1))


@mistake(
    "lost_at", "You walk back while the *mean* of the rest is below the threshold. Each frame of the rest must be."
)
def mean_of_the_rest(iou, threshold):
    T = iou.shape[-1]
    rest = iou.flip(-1).cumsum(-1) / torch.arange(1, T + 1)
    return T - (rest < threshold).long().cumprod(-1).sum(-1)


@mistake("lost_at", "A clip that is never lost must give T, the number of frames. You return T − 1.")
def last_frame_if_found(iou, threshold):
    return _found_since((iou >= threshold).flip(-1)).clamp(max=iou.shape[-1] - 1)


@mistake("lost_at", "Found and lost have changed places: found means that IoU *reaches* the threshold.")
def lost_for_found(iou, threshold):
    return _found_since((iou < threshold).flip(-1))


@mistake(
    "lost_at",
    "A clip in which the object is never found gets T, as if it were never lost. It is lost from frame 0 on.",
)
def never_found_as_never_lost(iou, threshold):
    lost = _found_since((iou >= threshold).flip(-1))
    return torch.where(lost == 0, iou.shape[-1], lost)


@mistake(
    "lost_at",
    "One number for each *frame* comes out: you go over the clips, axis 0. Go over the frames, the last axis.",
)
def over_the_clips(iou, threshold):
    return ((iou >= threshold).flip(0).cumsum(0) > 0).sum(0)


@alternative("lost_at")
def walk_backwards(iou, threshold):
    lost = []
    for row in iou.tolist():
        t = len(row)
        while t > 0 and row[t - 1] < threshold:
            t -= 1
        lost.append(t)
    return torch.tensor(lost)


@alternative("lost_at")
def last_found_and_one(iou, threshold):
    return torch.where(iou >= threshold, torch.arange(1, iou.shape[-1] + 1), 0).amax(-1)


@alternative("lost_at")
def running_maximum(iou, threshold):
    best_to_come = iou.flip(-1).cummax(-1).values.flip(-1)
    return (best_to_come >= threshold).sum(dim=-1)


@alternative("lost_at")
def with_argmax(iou, threshold):
    found = (iou >= threshold).int().flip(-1)
    return torch.where(found.any(-1), iou.shape[-1] - found.argmax(-1), 0)


for exercise, box in (("box_iou", "a"), ("box_iou", "b"), ("tracking_loss", "gold")):
    sides = f"{box}[..., 2:] - {box}[..., :2] -> {box}[..., :2] - {box}[..., 2:]"
    equivalent(exercise, sides, "Both sides turn their sign, and their product is the same.")


@mistake(
    "next_attention",
    "You write into the window that was handed over. Make a new one: `torch.cat([middle, size], dim=-1)`.",
)
def written_into_the_window(attention, change, context):
    attention[:, :2] += change[:, :2] * attention[:, 2:] / context
    attention[:, 2:] *= change[:, 2:].exp()
    return attention
