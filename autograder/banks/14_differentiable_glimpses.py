"""Known answers to lesson 14: wrong ones with the sentence that helps, and right ones written otherwise."""

import math

import numpy as np
import torch
from torch.nn import functional as F

from autograder.authoring.bank import alternative, equivalent, mistake

# gaussian_mask


def _exponents(u, s, d, R, C, half=2.0, power=2):
    middles = u[:, None] + torch.arange(R) * d[:, None]
    return -((torch.arange(C) - middles.unsqueeze(-1)) ** 2) / (half * s[:, None, None] ** power)


def _normalised(mask, dim=-1, small=1e-8):
    return mask / (mask.sum(dim=dim, keepdim=True) + small)


@mistake(
    "gaussian_mask",
    "Your columns sum to 1. Each *row* of the mask is one pixel of the glimpse, an average over the picture's "
    "C pixels: "
    "normalise over the last axis.",
)
def normalised_over_rows(u, s, d, R, C):
    return _normalised(_exponents(u, s, d, R, C).exp(), dim=1)


@mistake(
    "gaussian_mask", "The rows aren't normalised: divide each by its sum, or a wide window makes a bright glimpse."
)
def not_normalised(u, s, d, R, C):
    return _exponents(u, s, d, R, C).exp()


@mistake("gaussian_mask", "The whole mask sums to 1. Each of its rows should.")
def normalised_over_everything(u, s, d, R, C):
    return _normalised(_exponents(u, s, d, R, C).exp(), dim=(-2, -1))


@mistake(
    "gaussian_mask",
    "A softmax looks the same, but not for a window that has left the picture: it gives all the weight to the "
    "nearest edge. "
    "Divide by the sum plus 10⁻⁸: nothing is there, so nothing is seen.",
)
def softmax_of_exponents(u, s, d, R, C):
    return torch.softmax(_exponents(u, s, d, R, C), dim=-1)


@mistake(
    "gaussian_mask",
    "A window that has left the picture has rows of zeros, and you divide 0 by 0. Add 10⁻⁸ to the sum.",
)
def nothing_added(u, s, d, R, C):
    return _normalised(_exponents(u, s, d, R, C).exp(), small=0.0)


@mistake("gaussian_mask", "The 2 is missing: a Gaussian is exp(−distance² / (2 s²)).")
def no_two(u, s, d, R, C):
    return _normalised(_exponents(u, s, d, R, C, half=1.0).exp())


@mistake("gaussian_mask", "You divide by s. The width is squared, as the distance is: 2 s².")
def width_not_squared(u, s, d, R, C):
    return _normalised(_exponents(u, s, d, R, C, power=1).exp())


@mistake(
    "gaussian_mask",
    "You take u as the *window's* middle. It is the middle of the first Gaussian: row i lies at u + i d.",
)
def u_in_the_middle(u, s, d, R, C):
    return _normalised(_exponents(u - (R - 1) / 2 * d, s, d, R, C).exp())


@mistake("gaussian_mask", "All your Gaussians lie at the same place: row i is i strides further, u + i d.")
def no_stride(u, s, d, R, C):
    return _normalised(_exponents(u, s, 0 * d, R, C).exp())


@mistake("gaussian_mask", "The rows count from 1 here: the first Gaussian, row 0, lies at u itself.")
def rows_from_one(u, s, d, R, C):
    return _normalised(_exponents(u + d, s, d, R, C).exp())


@mistake(
    "gaussian_mask",
    "R and C are mixed up: the mask has R rows (the glimpse's pixels) and C columns (the picture's): (B, R, C).",
)
def transposed(u, s, d, R, C):
    return _normalised(_exponents(u, s, d, R, C).exp()).mT


@mistake("gaussian_mask", "The exponent's sign is wrong: weights should fall with the distance.")
def growing(u, s, d, R, C):
    return _normalised((-_exponents(u, s, d, R, C)).exp())


@mistake("gaussian_mask", "Your pixels count from 1. They count from 0, as the rows do: `torch.arange(C)`.")
def pixels_of_the_mask_from_one(u, s, d, R, C):
    return _normalised(_exponents(u - 1, s, d, R, C).exp())


@mistake("gaussian_mask", "You take s in strides. It is in pixels, like u and d.")
def width_in_strides(u, s, d, R, C):
    return _normalised(_exponents(u, s * d, d, R, C).exp())


@mistake(
    "gaussian_mask",
    "You divide by the Gaussian's area, √(2π) s. That is the sum only of a wide one in the middle of the picture: "
    "divide by the sum itself.",
)
def divided_by_the_area(u, s, d, R, C):
    return _exponents(u, s, d, R, C).exp() / (math.sqrt(2 * math.pi) * s[:, None, None])


@mistake("gaussian_mask", "Each row's largest weight is 1. Its *sum* should be: divide by the sum.")
def divided_by_the_largest(u, s, d, R, C):
    mask = _exponents(u, s, d, R, C).exp()
    return mask / (mask.amax(-1, keepdim=True) + 1e-8)


@mistake(
    "gaussian_mask",
    "The Gaussians are one pixel apart in yours: the middles are u + i · d.",
)
def one_pixel_apart(u, s, d, R, C):
    mid = u[:, None] + torch.arange(R)
    diff = torch.arange(C) - mid[:, :, None]
    A = torch.exp(-(diff**2) / (2 * s[:, None, None] ** 2))
    return A / (A.sum(-1, keepdim=True) + 1e-8)


@mistake(
    "gaussian_mask",
    "You divide i by d. The middles are u + i · d.",
)
def divided_by_the_stride(u, s, d, R, C):
    mid = u[:, None] + torch.arange(R) / d[:, None]
    diff = torch.arange(C) - mid[:, :, None]
    A = torch.exp(-(diff**2) / (2 * s[:, None, None] ** 2))
    return A / (A.sum(-1, keepdim=True) + 1e-8)


@mistake(
    "gaussian_mask",
    "The distance isn't squared: exp(−(c − middle)² / 2s²).",
)
def distance_not_squared(u, s, d, R, C):
    mid = u[:, None] + torch.arange(R) * d[:, None]
    diff = torch.arange(C) - mid[:, :, None]
    A = torch.exp(-diff.abs() / (2 * s[:, None, None] ** 2))
    return A / (A.sum(-1, keepdim=True) + 1e-8)


@mistake(
    "gaussian_mask",
    "The first window's width is used for all. Each has its own: `s[:, None, None]`.",
)
def one_width_for_all(u, s, d, R, C):
    mid = u[:, None] + torch.arange(R) * d[:, None]
    diff = torch.arange(C) - mid[:, :, None]
    A = torch.exp(-(diff**2) / (2 * s[0] ** 2))
    return A / (A.sum(-1, keepdim=True) + 1e-8)


@mistake(
    "gaussian_mask",
    "The 2 is squared as well: below the line stands 2 s², not (2 s)².",
)
def twice_the_width(u, s, d, R, C):
    mid = u[:, None] + torch.arange(R) * d[:, None]
    diff = torch.arange(C) - mid[:, :, None]
    A = torch.exp(-(diff**2) / ((2 * s[:, None, None]) ** 2))
    return A / (A.sum(-1, keepdim=True) + 1e-8)


@alternative("gaussian_mask")
def as_the_loop_says(u, s, d, R, C):
    rows = []
    for b in range(len(u)):
        for i in range(R):
            row = torch.stack([torch.exp(-((c - (u[b] + i * d[b])) ** 2) / (2 * s[b] ** 2)) for c in range(C)])
            rows.append(row / (row.sum() + 1e-8))
    return torch.stack(rows).view(len(u), R, C)


@alternative("gaussian_mask")
def by_standard_scores(u, s, d, R, C):
    u, s, d = (x.view(-1, 1, 1) for x in (u, s, d))
    scores = (torch.arange(C).view(1, 1, C) - u - d * torch.arange(R).view(1, R, 1)) / s
    mask = torch.exp(-0.5 * scores.square())
    return mask / mask.sum(2).add(1e-8).unsqueeze(2)


@alternative("gaussian_mask")
def by_einsum(u, s, d, R, C):
    both = torch.stack([torch.ones(R), torch.arange(R).to(torch.get_default_dtype())]).to(u.dtype)
    middles = torch.einsum("kr,bk->br", both, torch.stack([u, d], dim=1))
    mask = ((torch.arange(C)[None, None] - middles[..., None]).pow(2) / (-2 * s.pow(2)[:, None, None])).exp()
    return torch.einsum("brc,br->brc", mask, 1 / (mask.sum(-1) + 1e-8))


# draw_window


def _window(numbers, N, H, W, shift=-1.0, half=None, longest=max, spread=lambda v: (v / 2).exp(), stride=torch.exp):
    x, y, log_variance, log_stride = numbers.unbind(-1)
    d = (longest(H, W) - 1) / (N - 1) * stride(log_stride)
    half = (N - 1) / 2 if half is None else half
    u_y, u_x = ((size + 1) / 2 * (g + 1) + shift - half * d for size, g in ((H, y), (W, x)))
    return u_y, u_x, spread(log_variance), d


@mistake(
    "draw_window",
    "The paper's pixels count from 1, those of `gaussian_mask` from 0: you are one pixel too far down and right.",
)
def pixels_from_one(numbers, N, H, W):
    return _window(numbers, N, H, W, shift=0.0)


@mistake(
    "draw_window",
    "This is the middle of the *window*. u is the middle of its first Gaussian, (N − 1) / 2 strides before.",
)
def middle_of_the_window(numbers, N, H, W):
    return _window(numbers, N, H, W, half=0.0)


@mistake(
    "draw_window",
    "The first Gaussian is i = 1, not i = 0: it lies (N − 1) / 2 strides before the middle, not (N + 1) / 2.",
)
def i_from_zero(numbers, N, H, W):
    return _window(numbers, N, H, W, half=(N + 1) / 2)


@mistake(
    "draw_window", "Half of the window is N / 2 strides here. N Gaussians have N − 1 gaps between them: (N − 1) / 2."
)
def half_of_n(numbers, N, H, W):
    return _window(numbers, N, H, W, half=N / 2)


@mistake(
    "draw_window",
    "Down and across are swapped: the first number is g̃_X, across, and goes with the width W; the second goes with H.",
)
def x_and_y_swapped(numbers, N, H, W):
    return _window(numbers[:, [1, 0, 2, 3]], N, H, W)


@mistake("draw_window", "The results are in another order: u_y comes first, then u_x.")
def results_swapped(numbers, N, H, W):
    u_y, u_x, s, d = _window(numbers, N, H, W)
    return u_x, u_y, s, d


@mistake("draw_window", "H and W are swapped: g_Y runs over the height H, g_X over the width W.")
def height_and_width_swapped(numbers, N, H, W):
    return _window(numbers, N, W, H)


@mistake("draw_window", "s is the variance here. The number is log σ², and the width is σ: the root, exp(log σ² / 2).")
def variance_as_width(numbers, N, H, W):
    return _window(numbers, N, H, W, spread=torch.exp)


@mistake("draw_window", "s is left as a logarithm: take exp of half of it.")
def logarithm_as_width(numbers, N, H, W):
    return _window(numbers, N, H, W, spread=lambda v: v / 2)


@mistake("draw_window", "The stride's number is its logarithm: take exp, so that a stride is never negative.")
def stride_without_exp(numbers, N, H, W):
    return _window(numbers, N, H, W, stride=lambda v: v)


@mistake("draw_window", "The stride depends on the *longer* side, max(H, W).")
def shorter_side(numbers, N, H, W):
    return _window(numbers, N, H, W, longest=min)


@mistake(
    "draw_window",
    "The stride is max(H, W) − 1 over N − 1: N Gaussians from the first pixel to the last leave N − 1 gaps.",
)
def stride_over_n(numbers, N, H, W):
    x, y, log_variance, log_stride = numbers.unbind(-1)
    d = max(H, W) / N * log_stride.exp()
    u_y, u_x = ((size + 1) / 2 * (g + 1) - 1 - (N - 1) / 2 * d for size, g in ((H, y), (W, x)))
    return u_y, u_x, (log_variance / 2).exp(), d


@mistake(
    "draw_window",
    "You have a stride for each side. DRAW has one for both, from the longer side.",
)
def a_stride_for_each_side(numbers, N, H, W):
    x, y, log_variance, log_stride = numbers.unbind(-1)
    d_y, d_x = ((size - 1) / (N - 1) * log_stride.exp() for size in (H, W))
    u_y, u_x = ((n + 1) / 2 * (g + 1) - 1 - (N - 1) / 2 * d for n, g, d in ((H, y, d_y), (W, x, d_x)))
    return u_y, u_x, (log_variance / 2).exp(), d_x


@mistake(
    "draw_window",
    "You move the middle by (H − 1) / 2 for each unit. In DRAW it is (H + 1) / 2: at ±1 the middle lies one pixel "
    "outside the picture.",
)
def middles_stay_inside(numbers, N, H, W):
    x, y, log_variance, log_stride = numbers.unbind(-1)
    d = (max(H, W) - 1) / (N - 1) * log_stride.exp()
    u_y, u_x = ((size - 1) / 2 * (g + 1) - (N - 1) / 2 * d for size, g in ((H, y), (W, x)))
    return u_y, u_x, (log_variance / 2).exp(), d


@mistake(
    "draw_window",
    "The middle is (H + 1) / 2 · (g̃_Y + 1) in the paper's pixels, and the like across. You have H − 1 there, and take "
    "off the one pixel besides.",
)
def one_less_and_one_off(numbers, N, H, W):
    x, y, log_variance, log_stride = numbers.unbind(-1)
    d = (max(H, W) - 1) / (N - 1) * log_stride.exp()
    u_y, u_x = ((size - 1) / 2 * (g + 1) - 1 - (N - 1) / 2 * d for size, g in ((H, y), (W, x)))
    return u_y, u_x, (log_variance / 2).exp(), d


@mistake("draw_window", "The stride is divided by N. N Gaussians leave N − 1 gaps: divide by N − 1.")
def gaps_as_many_as_gaussians(numbers, N, H, W):
    x, y, log_variance, log_stride = numbers.unbind(-1)
    d = (max(H, W) - 1) / N * log_stride.exp()
    u_y, u_x = ((size + 1) / 2 * (g + 1) - 1 - (N - 1) / 2 * d for size, g in ((H, y), (W, x)))
    return u_y, u_x, (log_variance / 2).exp(), d


@mistake(
    "draw_window", "Each first Gaussian is found with a stride of its own side. DRAW has one stride for both sides."
)
def middles_by_their_own_stride(numbers, N, H, W):
    x, y, log_variance, log_stride = numbers.unbind(-1)
    d = (max(H, W) - 1) / (N - 1) * log_stride.exp()
    own = {size: (size - 1) / (N - 1) * log_stride.exp() for size in (H, W)}
    u_y, u_x = ((size + 1) / 2 * (g + 1) - 1 - (N - 1) / 2 * own[size] for size, g in ((H, y), (W, x)))
    return u_y, u_x, (log_variance / 2).exp(), d


@mistake("draw_window", "The results are in another order: the width s comes third, the stride d last.")
def stride_before_width(numbers, N, H, W):
    u_y, u_x, s, d = _window(numbers, N, H, W)
    return u_y, u_x, d, s


@mistake("draw_window", "The width is the *root* of the variance: exp(log σ² / 2). You take the logarithm twice over.")
def twice_the_logarithm(numbers, N, H, W):
    return _window(numbers, N, H, W, spread=lambda v: (2 * v).exp())


@mistake(
    "draw_window",
    "g is (A + 1) / 2 · (g̃ + 1) in the paper's pixels, which begin with 1. You leave the + 1 out.",
)
def without_the_one(numbers, N, H, W):
    gx, gy, logvar, logd = numbers.unbind(-1)
    g_x = W / 2 * (gx + 1)
    g_y = H / 2 * (gy + 1)
    d = (max(H, W) - 1) / (N - 1) * logd.exp()
    s = (logvar / 2).exp()
    u_y = g_y + (0.5 - N / 2) * d - 1
    u_x = g_x + (0.5 - N / 2) * d - 1
    return u_y, u_x, s, d


@mistake(
    "draw_window",
    "δ is (max(A, B) − 1) / (N − 1) · δ̃. You leave the − 1 of the side out.",
)
def side_without_minus_one(numbers, N, H, W):
    gx, gy, logvar, logd = numbers.unbind(-1)
    g_x = (W + 1) / 2 * (gx + 1)
    g_y = (H + 1) / 2 * (gy + 1)
    d = max(H, W) / (N - 1) * logd.exp()
    s = (logvar / 2).exp()
    u_y = g_y + (0.5 - N / 2) * d - 1
    u_x = g_x + (0.5 - N / 2) * d - 1
    return u_y, u_x, s, d


@mistake(
    "draw_window",
    "The third and the fourth number have changed roles: log σ² comes first, then log δ̃.",
)
def width_and_stride_swapped(numbers, N, H, W):
    gx, gy, logd, logvar = numbers.unbind(-1)
    g_x = (W + 1) / 2 * (gx + 1)
    g_y = (H + 1) / 2 * (gy + 1)
    d = (max(H, W) - 1) / (N - 1) * logd.exp()
    s = (logvar / 2).exp()
    u_y = g_y + (0.5 - N / 2) * d - 1
    u_x = g_x + (0.5 - N / 2) * d - 1
    return u_y, u_x, s, d


@mistake(
    "draw_window",
    "This is the colleague's function as it was. Three things are wrong: which Gaussian is the first (i = 1), which "
    "number the first pixel has (0), and the width, which is the *root* of the variance.",
)
def window_as_found(numbers, N, H, W):
    return _window(numbers, N, H, W, shift=0.0, half=(N + 1) / 2, spread=torch.exp)


@mistake(
    "draw_window",
    "The width is right now. Two errors are left that cancel out where a stride is one pixel: the first Gaussian is "
    "i = 1, not 0, and the paper's pixel 1 is your pixel 0. Try 3 Gaussians on 5 pixels.",
)
def window_width_mended(numbers, N, H, W):
    return _window(numbers, N, H, W, shift=0.0, half=(N + 1) / 2)


@mistake(
    "draw_window",
    "The pixels count from 0 now. The first Gaussian is still i = 0 in yours, a stride too early, and s is still the "
    "variance.",
)
def window_pixels_mended(numbers, N, H, W):
    return _window(numbers, N, H, W, half=(N + 1) / 2, spread=torch.exp)


@mistake(
    "draw_window",
    "The first Gaussian is i = 1 now. The pixels still count from 1, so the window lies one too far, and s is still "
    "the variance.",
)
def window_counting_mended(numbers, N, H, W):
    return _window(numbers, N, H, W, shift=0.0, spread=torch.exp)


@alternative("draw_window")
def in_the_papers_letters(numbers, N, H, W):
    A, B = W, H
    g_X, g_Y = (A + 1) / 2 * (numbers[:, 0] + 1), (B + 1) / 2 * (numbers[:, 1] + 1)
    delta = (max(A, B) - 1) / (N - 1) * torch.exp(numbers[:, 3])
    first = (1 - N / 2 - 0.5) * delta
    return g_Y + first - 1, g_X + first - 1, torch.sqrt(torch.exp(numbers[:, 2])), delta


@alternative("draw_window")
def from_the_middle_pixel(numbers, N, H, W):
    stretch, longest = torch.exp(numbers[:, 3]), max(H, W) - 1
    reach = longest / 2 * stretch
    y = (H - 1) / 2 + (H + 1) / 2 * numbers[:, 1] - reach
    x = (W - 1) / 2 + (W + 1) / 2 * numbers[:, 0] - reach
    return [y, x, torch.exp(0.5 * numbers[:, 2]), longest * stretch / (N - 1)]


@alternative("draw_window")
def picture_by_picture(numbers, N, H, W):
    rows = []
    for x, y, log_variance, log_stride in numbers:
        d = (max(H, W) - 1) * torch.exp(log_stride) / (N - 1)
        places = [(size + 1) * (g + 1) / 2 - 1 - d * (N - 1) / 2 for size, g in ((H, y), (W, x))]
        rows.append(torch.stack([*places, torch.exp(log_variance) ** 0.5, d]))
    return tuple(torch.stack(rows).T)


# box_theta


def _theta(x, y):
    """θ (B, 2, 3) of a crop from s_x, t_x and s_y, t_y."""
    zero = torch.zeros_like(x[0])
    return torch.stack([x[0], zero, x[1], zero, y[0], y[1]], dim=-1).view(-1, 2, 3)


def _box(boxes, H, W, side=lambda a, b, n: (b - a) / n, middle=lambda a, b, n: (a + b) / n - 1):
    top, left, bottom, right = boxes.unbind(dim=-1)
    return _theta(*((side(a, b, n), middle(a, b, n)) for a, b, n in ((left, right, W), (top, bottom, H))))


@mistake(
    "box_theta",
    "Your windows are twice as wide as their boxes: s is *half* of the side, from the middle to the edge, and the "
    "picture is 2 wide, from −1 to 1. So it is (right − left) / W.",
)
def whole_side(boxes, H, W):
    return _box(boxes, H, W, side=lambda a, b, n: 2 * (b - a) / n)


@mistake(
    "box_theta",
    "Your windows are half as wide as their boxes. Half of the side is (right − left) / 2 pixels, and a pixel is 2 / W "
    "long: (right − left) / W.",
)
def halved_twice(boxes, H, W):
    return _box(boxes, H, W, side=lambda a, b, n: (b - a) / (2 * n))


@mistake(
    "box_theta",
    "You take −1 and 1 for the *middles* of the outer pixels (`align_corners=True`). They are edges: the whole "
    "picture, from 0 to W, has s = 1 and t = 0.",
)
def middles_at_one(boxes, H, W):
    return _box(
        boxes, H, W, side=lambda a, b, n: (b - a - 1) / (n - 1), middle=lambda a, b, n: (a + b - 1) / (n - 1) - 1
    )


@mistake("box_theta", "θ's rows are swapped: the first makes x (left and right, W), the second y (top and bottom, H).")
def rows_swapped(boxes, H, W):
    return _box(boxes, H, W).flip(1)


@mistake("box_theta", "H and W are swapped: left and right are divided by W, top and bottom by H.")
def box_sizes_swapped(boxes, H, W):
    return _box(boxes, W, H)


@mistake("box_theta", "A box begins with its top, then its left: you read the first number as left.")
def left_first(boxes, H, W):
    return _box(boxes[:, [1, 0, 3, 2]], H, W)


@mistake("box_theta", "You read the boxes as top, *bottom*, left, right. They are top, left, bottom, right.")
def both_rows_first(boxes, H, W):
    return _box(boxes[:, [0, 2, 1, 3]], H, W)


@mistake(
    "box_theta",
    "The shift is where the window's *corner* lies. t is its middle, where the glimpse's own 0 is: (left + right) / 2 "
    "in pixels.",
)
def shift_of_the_corner(boxes, H, W):
    return _box(boxes, H, W, middle=lambda a, b, n: 2 * a / n - 1)


@mistake("box_theta", "The shift is in pixels. It runs from −1 to 1: pixel coordinate p lies at 2 p / W − 1.")
def shift_in_pixels(boxes, H, W):
    return _box(boxes, H, W, middle=lambda a, b, n: (a + b - n) / 2)


@mistake("box_theta", "The shift runs from 0 to 2 in yours. The picture's middle is 0: subtract 1.")
def no_one_subtracted(boxes, H, W):
    return _box(boxes, H, W, middle=lambda a, b, n: (a + b) / n)


@mistake("box_theta", "The shift runs from 0 to 1 in yours. It runs from −1 to 1: (left + right) / W − 1.")
def shift_from_zero_to_one(boxes, H, W):
    return _box(boxes, H, W, middle=lambda a, b, n: (a + b) / (2 * n))


@mistake(
    "box_theta",
    "The window goes half as far from the picture's middle as it should: the picture is 2 wide, so pixel coordinate p "
    "lies at 2 p / W − 1.",
)
def half_of_the_shift(boxes, H, W):
    return _box(boxes, H, W, middle=lambda a, b, n: (a + b) / (2 * n) - 0.5)


@mistake("box_theta", "The shift has the wrong sign: a box to the right of the middle has a t above 0.")
def shift_turned_around(boxes, H, W):
    return _box(boxes, H, W, middle=lambda a, b, n: 1 - (a + b) / n)


@mistake(
    "box_theta",
    "Bottom and right count as *inside* the box with you. They are the first outside, as in a slice: add no 1.",
)
def ends_inside(boxes, H, W):
    return _box(boxes, H, W, side=lambda a, b, n: (b + 1 - a) / n, middle=lambda a, b, n: (a + b + 1) / n - 1)


@mistake(
    "box_theta",
    "Your windows are a pixel too narrow. Bottom and right are the first pixels *outside*, as in a slice: the side is "
    "right − left, with no 1 subtracted.",
)
def last_pixel_outside(boxes, H, W):
    return _box(boxes, H, W, side=lambda a, b, n: (b - 1 - a) / n)


@mistake(
    "box_theta",
    "Across and down are exchanged: θ's first row is made of left, right and W, its second of top, bottom and H.",
)
def down_first(boxes, H, W):
    return _box(boxes[:, [1, 0, 3, 2]], W, H)


@mistake(
    "box_theta",
    "The middle is half a pixel too far up and left: you take the box from its first pixel's number to its last one's. "
    "Take its *edges*, left and right.",
)
def middle_of_the_numbers(boxes, H, W):
    return _box(boxes, H, W, middle=lambda a, b, n: (a + b - 1) / n - 1)


@mistake(
    "box_theta",
    "θ is turned around: it goes from the glimpse to the picture, so a small box has a *small* s, (right − left) / W.",
)
def from_the_picture(boxes, H, W):
    return _box(boxes, H, W, side=lambda a, b, n: n / (b - a))


@mistake(
    "box_theta", "The scales stand in the wrong places: s_x is θ[0, 0] and s_y is θ[1, 1]. Yours turns the window."
)
def scales_on_the_other_diagonal(boxes, H, W):
    theta = _box(boxes, H, W)
    return theta[:, :, [1, 0, 2]]


@mistake("box_theta", "The shift comes first in your rows. It is θ's *last* column.")
def shift_first(boxes, H, W):
    return _box(boxes, H, W)[:, :, [2, 0, 1]]


@mistake("box_theta", "The six numbers stand in a row. θ is (B, 2, 3): `.view(-1, 2, 3)`.")
def six_in_a_row(boxes, H, W):
    return _box(boxes, H, W).flatten(1)


@mistake("box_theta", "The scales are right, and the shift is missing: all your windows sit in the middle.")
def shift_left_out(boxes, H, W):
    return _box(boxes, H, W, middle=lambda a, b, n: 0 * a)


@mistake("box_theta", "One θ, that of the first box, for all. Each box has its own.")
def first_box_for_all(boxes, H, W):
    return _box(boxes[:1].expand_as(boxes), H, W)


@alternative("box_theta")
def by_its_ends(boxes, H, W):
    top, left, bottom, right = boxes.T
    (x0, x1), (y0, y1) = (2 * left / W - 1, 2 * right / W - 1), (2 * top / H - 1, 2 * bottom / H - 1)
    return _theta(((x1 - x0) / 2, (x0 + x1) / 2), ((y1 - y0) / 2, (y0 + y1) / 2))


@alternative("box_theta")
def written_into_zeros(boxes, H, W):
    theta = torch.zeros(len(boxes), 2, 3)
    theta[:, 0, 0] = (boxes[:, 3] - boxes[:, 1]) / W
    theta[:, 1, 1] = (boxes[:, 2] - boxes[:, 0]) / H
    theta[:, 0, 2] = (boxes[:, 3] + boxes[:, 1]) / W - 1
    theta[:, 1, 2] = (boxes[:, 2] + boxes[:, 0]) / H - 1
    return theta


@alternative("box_theta")
def as_a_matrix_of_ends(boxes, H, W):
    ends = boxes.view(-1, 2, 2) * torch.tensor([2 / H, 2 / W]) - 1  # (B, begin and end, y and x)
    half, middle = (ends[:, 1] - ends[:, 0]).flip(1) / 2, ends.mean(dim=1).flip(1)
    return torch.cat([torch.diag_embed(half), middle.unsqueeze(-1)], dim=-1)


@alternative("box_theta")
def box_by_box(boxes, H, W):
    thetas = []
    for top, left, bottom, right in boxes:
        nothing = torch.zeros_like(top)
        x = torch.stack([(right - left) / W, nothing, (right + left - W) / W])
        y = torch.stack([nothing, (bottom - top) / H, (bottom + top - H) / H])
        thetas.append(torch.stack([x, y]))
    return torch.stack(thetas)


# bilinear_sample


def _sample(
    pictures,
    grid,
    x_of=None,
    within=lambda m, n: (m >= 0) & (m < n),
    reach=(0, 1),
    weigh=lambda x, m: 1 - (x - m).abs(),
    detached=False,
):
    B, H, W = pictures.shape
    x_of = x_of or (lambda g, n: (g + 1) * n / 2 - 0.5)
    x, y = x_of(grid[..., 0], W), x_of(grid[..., 1], H)
    if detached:
        x, y = x.detach(), y.detach()
    b, total = torch.arange(B)[:, None, None], 0.0
    for i in reach:
        for j in reach:
            m, n = x.floor() + i, y.floor() + j
            inside = within(m, W) & within(n, H)
            value = pictures[b, n.clamp(0, H - 1).long(), m.clamp(0, W - 1).long()]
            total = total + weigh(x, m) * weigh(y, n) * inside * value
    return total


@mistake(
    "bilinear_sample",
    "Your edges −1 and 1 are the *middles* of the outer pixels (`align_corners=True`). They are edges: "
    "x = ((x + 1) W − 1) / 2.",
)
def corners_aligned_sampler(pictures, grid):
    return _sample(pictures, grid, x_of=lambda g, n: (g + 1) * (n - 1) / 2)


@mistake(
    "bilinear_sample", "You are half a pixel too far: pixel 0's middle lies half a pixel after the edge, so subtract ½."
)
def half_a_pixel_off(pictures, grid):
    return _sample(pictures, grid, x_of=lambda g, n: (g + 1) * n / 2)


@mistake(
    "bilinear_sample", "Outside the picture you read its edge. There is 0: multiply by whether the pixel was inside."
)
def edge_repeated(pictures, grid):
    return _sample(pictures, grid, within=lambda m, n: m == m)


@mistake(
    "bilinear_sample",
    "This is the nearest pixel only. Its value doesn't change with the point, so the grid gets no gradient. "
    "Average the four around.",
)
def nearest_pixel(pictures, grid):
    B, H, W = pictures.shape
    x, y = ((grid[..., i] + 1) * n / 2 - 0.5 for i, n in ((0, W), (1, H)))
    m, n = x.round(), y.round()
    inside = (m >= 0) & (m < W) & (n >= 0) & (n < H)
    value = pictures[torch.arange(B)[:, None, None], n.clamp(0, H - 1).long(), m.clamp(0, W - 1).long()]
    return value * inside + 0.0 * grid.sum(-1)


@mistake("bilinear_sample", "x and y are swapped: the grid has x, across, first, and the picture's first axis is y.")
def x_and_y_swapped_in_the_grid(pictures, grid):
    return _sample(pictures, grid.flip(-1))


@mistake("bilinear_sample", "The weights are turned around: the *nearer* pixel counts more, 1 − |x − m|.")
def weights_turned_around(pictures, grid):
    return _sample(pictures, grid, weigh=lambda x, m: (x - m).abs())


@mistake("bilinear_sample", "Only the pixel above left of the point is read, with its weight. Add up all four.")
def one_corner(pictures, grid):
    return _sample(pictures, grid, reach=(0,))


@mistake(
    "bilinear_sample",
    "A pixel numbered W or H counts as inside with you, and reads the last one again. The last ones are W − 1 and "
    "H − 1.",
)
def one_pixel_too_many(pictures, grid):
    return _sample(pictures, grid, within=lambda m, n: (m >= 0) & (m <= n))


@mistake(
    "bilinear_sample",
    "Only the right and the lower edge are looked at. A pixel left of 0, or above it, is outside, too.",
)
def two_edges(pictures, grid):
    return _sample(pictures, grid, within=lambda m, n: m < n)


@mistake(
    "bilinear_sample",
    "A point that lies partly outside is set to 0 as a whole. Ask for each of the four pixels alone whether "
    "it is inside.",
)
def point_inside_only(pictures, grid):
    _, H, W = pictures.shape
    x, y = ((grid[..., i] + 1) * n / 2 - 0.5 for i, n in ((0, W), (1, H)))
    inside = (x >= 0) & (x <= W - 1) & (y >= 0) & (y <= H - 1)
    return _sample(pictures, grid) * inside


@mistake(
    "bilinear_sample",
    "The four are averaged with equal weights. Weigh each by its nearness, or no gradient reaches the grid.",
)
def equal_weights(pictures, grid):
    return _sample(pictures, grid, weigh=lambda x, m: 0.5 + 0.0 * x)


@mistake(
    "bilinear_sample",
    "No gradient reaches the grid, so a window could never be moved by it. Only indices belong under `no_grad`: the "
    "weights need theirs.",
)
def grid_detached(pictures, grid):
    return _sample(pictures, grid, detached=True) + 0.0 * grid.sum(-1)


@mistake("bilinear_sample", "Nearness is squared. The tent falls off in a straight line: 1 − |x − m|.")
def squared_tent(pictures, grid):
    return _sample(pictures, grid, weigh=lambda x, m: (1 - (x - m).abs()) ** 2)


@mistake(
    "bilinear_sample",
    "The grid is taken for pixels. It runs from −1 to 1: turn it into pixels first, x = ((x + 1) W − 1) / 2.",
)
def grid_as_pixels(pictures, grid):
    return _sample(pictures, grid, x_of=lambda g, n: g)


@mistake(
    "bilinear_sample",
    "The weights must be 1 − distance in a straight line: this is a smoother curve through more pixels.",
)
def bicubic(pictures, grid):
    return F.grid_sample(pictures[:, None], grid, mode="bicubic", align_corners=False)[:, 0]


@mistake(
    "bilinear_sample",
    "Cutting the decimals off (`.long()`, `.int()`, `.trunc()`) rounds towards 0: left of and above pixel 0 that is "
    "the wrong neighbour. Take `.floor()`.",
)
def truncated(pictures, grid):
    B, H, W = pictures.shape
    x, y = ((grid[..., i] + 1) * n / 2 - 0.5 for i, n in ((0, W), (1, H)))
    b, total = torch.arange(B)[:, None, None], 0.0
    for i in (0, 1):
        for j in (0, 1):
            m, n = x.long() + i, y.long() + j
            inside = (m >= 0) & (m < W) & (n >= 0) & (n < H)
            value = pictures[b, n.clamp(0, H - 1), m.clamp(0, W - 1)]
            total = total + (1 - (x - m).abs()) * (1 - (y - n).abs()) * inside * value
    return total


def _read(pictures, grid, read, within=0):
    B, H, W = pictures.shape
    x, y = ((grid[..., i] + 1) * n / 2 - 0.5 for i, n in ((0, W), (1, H)))
    total = 0.0
    for i in (0, 1):
        for j in (0, 1):
            m, n = x.floor() + i, y.floor() + j
            inside = (m >= 0) & (m < W - within) & (n >= 0) & (n < H - within)
            value = read(pictures, torch.arange(B)[:, None, None], n, m, H, W)
            total = total + (1 - (x - m).abs()) * (1 - (y - n).abs()) * inside * value
    return total


@mistake("bilinear_sample", "The pixel is read at [m, n]. The picture's rows come first: n, down, then m, across.")
def indices_swapped(pictures, grid):
    return _read(pictures, grid, lambda p, b, n, m, H, W: p[b, m.clamp(0, H - 1).long(), n.clamp(0, W - 1).long()])


@mistake("bilinear_sample", "All glimpses read the first picture. Glimpse b reads picture b: `pictures[b, n, m]`.")
def first_picture_for_all(pictures, grid):
    return _read(pictures, grid, lambda p, b, n, m, H, W: p[0][n.clamp(0, H - 1).long(), m.clamp(0, W - 1).long()])


@mistake(
    "bilinear_sample",
    "Each glimpse reads every picture, and the result is (B, B, h, w). Glimpse b reads picture b: `pictures[b, n, m]` "
    "with b (B, 1, 1).",
)
def every_picture_for_all(pictures, grid):
    return _read(pictures, grid, lambda p, b, n, m, H, W: p[:, n.clamp(0, H - 1).long(), m.clamp(0, W - 1).long()])


@mistake("bilinear_sample", "The last row and column count as outside with you. Inside is m ≤ W − 1 and n ≤ H − 1.")
def last_ones_outside(pictures, grid):
    return _read(
        pictures,
        grid,
        lambda p, b, n, m, H, W: p[b, n.clamp(0, H - 1).long(), m.clamp(0, W - 1).long()],
        within=1,
    )


@mistake(
    "bilinear_sample",
    "You take the mean of the weights across and down. They are *multiplied*.",
)
def weights_averaged(pictures, grid):
    B, H, W = pictures.shape
    x = ((grid[..., 0] + 1) * W - 1) / 2
    y = ((grid[..., 1] + 1) * H - 1) / 2
    b = torch.arange(B)[:, None, None]
    out = 0
    for dy in (0, 1):
        for dx in (0, 1):
            m, n = x.floor() + dx, y.floor() + dy
            weight = ((1 - (x - m).abs()) + (1 - (y - n).abs())) / 2
            inside = (m >= 0) & (m < W) & (n >= 0) & (n < H)
            out = out + weight * inside * pictures[b, n.long().clamp(0, H - 1), m.long().clamp(0, W - 1)]
    return out


@mistake(
    "bilinear_sample",
    "You read between columns alone: down it is one row. The weight is (1 − |x − m|)(1 − |y − n|).",
)
def between_columns_only(pictures, grid):
    B, H, W = pictures.shape
    x = ((grid[..., 0] + 1) * W - 1) / 2
    y = ((grid[..., 1] + 1) * H - 1) / 2
    b = torch.arange(B)[:, None, None]
    out = 0
    for dy in (0, 1):
        for dx in (0, 1):
            m, n = x.floor() + dx, y.floor() + dy
            weight = (1 - (x - m).abs()) * (1 - dy)
            inside = (m >= 0) & (m < W) & (n >= 0) & (n < H)
            out = out + weight * inside * pictures[b, n.long().clamp(0, H - 1), m.long().clamp(0, W - 1)]
    return out


@mistake(
    "bilinear_sample",
    "This is the colleague's function as it was. Two things are wrong: the weights have no gradient (only indices "
    "belong under `no_grad`), and outside the picture its edge is read, where there is 0.",
)
def sampler_as_found(pictures, grid):
    B, H, W = pictures.shape
    x, y = ((grid[..., i] + 1) * n / 2 - 0.5 for i, n in ((0, W), (1, H)))
    b, total = torch.arange(B)[:, None, None], 0.0
    for m in (x.floor(), x.floor() + 1):
        for n in (y.floor(), y.floor() + 1):
            with torch.no_grad():
                weight = (1 - (x - m).abs()) * (1 - (y - n).abs())
                row, column = n.long().clamp(0, H - 1), m.long().clamp(0, W - 1)
            total = total + weight * pictures[b, row, column]
    return total


@alternative("bilinear_sample")
def pytorchs_sampler(pictures, grid):
    return F.grid_sample(pictures[:, None], grid, mode="bilinear", padding_mode="zeros", align_corners=False)[:, 0]


@alternative("bilinear_sample")
def by_tents_over_all_pixels(pictures, grid):
    _, H, W = pictures.shape
    x, y = ((grid[..., i] + 1) * n / 2 - 0.5 for i, n in ((0, W), (1, H)))
    across = torch.relu(1 - (x[..., None] - torch.arange(W)).abs())
    down = torch.relu(1 - (y[..., None] - torch.arange(H)).abs())
    return torch.einsum("bhwn,bnm,bhwm->bhw", down, pictures, across)


@alternative("bilinear_sample")
def padded_then_flat(pictures, grid):
    _, H, W = pictures.shape
    far = 2 + max(H, W)
    wide = F.pad(pictures, (far, far, far, far))
    x = (grid[..., 0] * W + W - 1) / 2 + far
    y = (grid[..., 1] * H + H - 1) / 2 + far
    m, n = x.detach().floor().long(), y.detach().floor().long()
    m, n = m.clamp(0, wide.shape[2] - 2), n.clamp(0, wide.shape[1] - 2)
    flat, row = wide.flatten(1), wide.shape[2]

    def at(i, j):
        return flat.gather(1, ((n + j) * row + m + i).flatten(1)).view(x.shape)

    p, q = x - m, y - n
    return (1 - p) * (1 - q) * at(0, 0) + p * (1 - q) * at(1, 0) + (1 - p) * q * at(0, 1) + p * q * at(1, 1)


# degrees_of_freedom


def _singular(glimpse_of, parameters):
    jacobian = torch.autograd.functional.jacobian(glimpse_of, parameters)
    return torch.linalg.svdvals(jacobian.reshape(-1, len(parameters)))


@mistake(
    "degrees_of_freedom",
    "This is the number of parameters. How many of them are *free* is asked: the rank of the Jacobian.",
)
def number_of_parameters(glimpse_of, parameters):
    return len(parameters)


@mistake(
    "degrees_of_freedom",
    "You count the parameters that have some effect. Two with the *same* effect are one freedom: take the rank.",
)
def columns_that_are_not_zero(glimpse_of, parameters):
    jacobian = torch.autograd.functional.jacobian(glimpse_of, parameters).reshape(-1, len(parameters))
    return int((jacobian.norm(dim=0) > 1e-4 * jacobian.norm(dim=0).max()).sum())


@mistake(
    "degrees_of_freedom",
    "Rounding makes tiny singular values where there should be zeros. Count those above 10⁻⁴ times the largest.",
)
def every_singular_value(glimpse_of, parameters):
    return int((_singular(glimpse_of, parameters) > 0).sum())


@mistake(
    "degrees_of_freedom",
    "10⁻⁴ is taken as it is. Compare with 10⁻⁴ times the *largest* singular value: the glimpse's scale must "
    "not matter.",
)
def absolute_threshold(glimpse_of, parameters):
    return int((_singular(glimpse_of, parameters) > 1e-4).sum())


@mistake("degrees_of_freedom", "The threshold is far too high: 10⁻⁴ times the largest, not a tenth of it.")
def a_tenth_of_the_largest(glimpse_of, parameters):
    singular = _singular(glimpse_of, parameters)
    return int((singular > 0.1 * singular.max()).sum())


@mistake(
    "degrees_of_freedom",
    "The glimpse is summed up before you differentiate: one number has one gradient, so the rank is at most "
    "1. Keep all its pixels.",
)
def of_the_sum(glimpse_of, parameters):
    return int((_singular(lambda p: glimpse_of(p).sum()[None], parameters) > 0).sum())


@mistake(
    "degrees_of_freedom",
    "The threshold of `matrix_rank` is by default that of rounding, about 10⁻¹⁵. Here 10⁻⁴ times the largest is "
    "asked: `rtol=1e-4`.",
)
def thresholds_own_default(glimpse_of, parameters):
    jacobian = torch.autograd.functional.jacobian(glimpse_of, parameters)
    return int(torch.linalg.matrix_rank(jacobian.reshape(-1, len(parameters))))


def _count(singular, least):
    return int((singular > least).sum())


@mistake(
    "degrees_of_freedom",
    "These are the eigenvalues of JᵀJ, the *squares* of the singular values, with the threshold of those. "
    "Take their root, or 10⁻⁸.",
)
def squares_counted(glimpse_of, parameters):
    squares = _singular(glimpse_of, parameters) ** 2
    return _count(squares, 1e-4 * squares.max())


@mistake("degrees_of_freedom", "You compare with the *sum* of the singular values. With the largest one.")
def compared_with_the_sum(glimpse_of, parameters):
    singular = _singular(glimpse_of, parameters)
    return _count(singular, 1e-4 * singular.sum())


@mistake("degrees_of_freedom", "You compare with the *mean* of the singular values. With the largest one.")
def compared_with_the_mean(glimpse_of, parameters):
    singular = _singular(glimpse_of, parameters)
    return _count(singular, 1e-4 * singular.mean())


@mistake(
    "degrees_of_freedom",
    "You reshape the Jacobian to (P, h · w), which mixes its numbers. Its last axis is the parameters': (h · w, P).",
)
def parameters_as_rows(glimpse_of, parameters):
    jacobian = torch.autograd.functional.jacobian(glimpse_of, parameters)
    singular = torch.linalg.svdvals(jacobian.reshape(len(parameters), -1))
    return _count(singular, 1e-4 * singular.max())


@mistake(
    "degrees_of_freedom",
    "A rank for each row of the glimpse. The Jacobian still has the glimpse's axes: reshape it to (h · w, P) first.",
)
def not_flattened(glimpse_of, parameters):
    return torch.linalg.matrix_rank(torch.autograd.functional.jacobian(glimpse_of, parameters), rtol=1e-4)


@mistake(
    "degrees_of_freedom",
    "You count the pixels that change. Count the independent ways: the singular values of the Jacobian.",
)
def rows_counted(glimpse_of, parameters):
    J = torch.autograd.functional.jacobian(glimpse_of, parameters).reshape(-1, parameters.numel())
    s = J.norm(dim=1).sort(descending=True).values
    return int((s > 1e-4 * s[0]).sum())


@alternative("degrees_of_freedom")
def by_matrix_rank(glimpse_of, parameters):
    jacobian = torch.autograd.functional.jacobian(lambda p: glimpse_of(p).flatten(), parameters)
    return torch.linalg.matrix_rank(jacobian, rtol=1e-4).item()


@alternative("degrees_of_freedom")
def pixel_by_pixel(glimpse_of, parameters):
    free = parameters.detach().clone().requires_grad_()
    rows = [
        torch.autograd.grad(pixel, free, retain_graph=True, allow_unused=True, materialize_grads=True)[0]
        for pixel in glimpse_of(free).flatten()
    ]
    singular = np.linalg.svd(torch.stack(rows).numpy(), compute_uv=False)
    return int((singular > 1e-4 * singular[0]).sum())


@alternative("degrees_of_freedom")
def by_forward_mode(glimpse_of, parameters):
    jacobian = torch.func.jacrev(glimpse_of)(parameters).reshape(-1, len(parameters))
    singular = torch.linalg.svd(jacobian, full_matrices=False).S
    return sum(value > 1e-4 * singular[0] for value in singular.tolist())


# basin


def _one_step(places, slope, rate):
    return places - rate * slope / (slope.norm(dim=-1, keepdim=True) + 1e-8)


def _descend(glimpse_at, wanted, starts, steps, rate, step=_one_step, path=None):
    places = starts.detach().clone()
    for _ in range(steps):
        places = places.detach().requires_grad_()
        slope = torch.autograd.grad(((glimpse_at(places) - wanted) ** 2).sum(), places)[0]
        places = step(places, slope, rate).detach()
        if path is not None:
            path.append(places)
    return places.detach()


def _near(places, goal):
    return (places - goal).norm(dim=-1) <= 1


@mistake(
    "basin", "The gradients of earlier steps are still there, and add up. A step goes against the present one only."
)
def gradients_add_up(glimpse_at, wanted, starts, goal, steps, rate):
    places = starts.detach().clone().requires_grad_()
    for _ in range(steps):
        ((glimpse_at(places) - wanted) ** 2).sum().backward()
        with torch.no_grad():
            places -= rate * places.grad / (places.grad.norm(dim=-1, keepdim=True) + 1e-8)
    return _near(places.detach(), goal)


@mistake("basin", "Nothing moves: these are the starts within one pixel. It's the *ends* of the descents that count.")
def starts_only(glimpse_at, wanted, starts, goal, steps, rate):
    return _near(starts, goal)


@mistake(
    "basin",
    "The starts themselves are moved, so the caller's tensor is no longer what it was. Make new places in each step: "
    "`places = places - …`, not `-=`.",
)
def starts_moved(glimpse_at, wanted, starts, goal, steps, rate):
    ends = _descend(glimpse_at, wanted, starts, steps, rate)
    starts.copy_(ends)
    return _near(ends, goal)


@mistake("basin", "One answer for all starts together. Return one for each: the norm runs over the last axis, (N,).")
def one_answer(glimpse_at, wanted, starts, goal, steps, rate):
    return _near(_descend(glimpse_at, wanted, starts, steps, rate), goal).all()


@mistake("basin", "These are distances. Which starts arrive is asked: `<= 1`, a bool for each.")
def distances(glimpse_at, wanted, starts, goal, steps, rate):
    return (_descend(glimpse_at, wanted, starts, steps, rate) - goal).norm(dim=-1)


@mistake("basin", "Each coordinate is compared by itself. A distance is the norm over both: `.norm(dim=-1)`.")
def each_coordinate(glimpse_at, wanted, starts, goal, steps, rate):
    return ((_descend(glimpse_at, wanted, starts, steps, rate) - goal).abs() <= 1).all(-1)


@mistake("basin", "You measure how far each window has *moved* from its start. How far from the goal does it end?")
def moved_from_the_start(glimpse_at, wanted, starts, goal, steps, rate):
    return _near(_descend(glimpse_at, wanted, starts, steps, rate), starts)


@mistake("basin", "Your windows climb: a step goes *against* the gradient of the loss.")
def uphill(glimpse_at, wanted, starts, goal, steps, rate):
    return _near(_descend(glimpse_at, wanted, starts, steps, -rate), goal)


@mistake("basin", "One step too few is made: `range(steps)`.")
def one_step_too_few(glimpse_at, wanted, starts, goal, steps, rate):
    return _near(_descend(glimpse_at, wanted, starts, max(0, steps - 1), rate), goal)


@mistake(
    "basin", "Your step is as long as the loss is steep. Divide the gradient by its length: each step is `rate` pixels."
)
def not_divided(glimpse_at, wanted, starts, goal, steps, rate):
    return _near(_descend(glimpse_at, wanted, starts, steps, rate, lambda p, g, r: p - r * g), goal)


@mistake(
    "basin",
    "The gradient is divided by one length for all windows together, so they influence each other. Each has its own: "
    "`slope.norm(dim=-1, keepdim=True)`.",
)
def one_length_for_all(glimpse_at, wanted, starts, goal, steps, rate):
    return _near(_descend(glimpse_at, wanted, starts, steps, rate, lambda p, g, r: p - r * g / (g.norm() + 1e-8)), goal)


@mistake(
    "basin",
    "Both coordinates move `rate` pixels, whatever the gradient's direction (as Adam's first step does). Divide by the "
    "length of the gradient, not by each of its parts.",
)
def each_coordinate_moves(glimpse_at, wanted, starts, goal, steps, rate):
    return _near(_descend(glimpse_at, wanted, starts, steps, rate, lambda p, g, r: p - r * g.sign()), goal)


@mistake("basin", "A window without a gradient becomes NaN, 0 divided by 0, even at the goal. Add 10⁻⁸ to the length.")
def nothing_added_to_the_length(glimpse_at, wanted, starts, goal, steps, rate):
    ends = _descend(glimpse_at, wanted, starts, steps, rate, lambda p, g, r: p - r * g / g.norm(dim=-1, keepdim=True))
    return _near(ends, goal)


@mistake("basin", "You ask whether a window was *ever* near. Where it is after the last step counts.")
def ever_near(glimpse_at, wanted, starts, goal, steps, rate):
    path = [starts]
    _descend(glimpse_at, wanted, starts, steps, rate, path=path)
    return torch.stack([_near(places, goal) for places in path]).any(dim=0)


@mistake("basin", "One step too many is made: `range(steps)`.")
def one_step_too_many(glimpse_at, wanted, starts, goal, steps, rate):
    return _near(_descend(glimpse_at, wanted, starts, steps + 1, rate), goal)


@mistake("basin", "You count those within two pixels. Within *one*: `<= 1`.")
def within_two(glimpse_at, wanted, starts, goal, steps, rate):
    return (_descend(glimpse_at, wanted, starts, steps, rate) - goal).norm(dim=-1) <= 2


@mistake("basin", "This is the *share* of the starts that arrive. Which of them do is asked: a bool for each.")
def share_of_starts(glimpse_at, wanted, starts, goal, steps, rate):
    return _near(_descend(glimpse_at, wanted, starts, steps, rate), goal).to(starts.dtype).mean()


@mistake("basin", "The windows are told by 0 and 1. A bool for each is asked: leave the comparison as it is.")
def numbers_for_bools(glimpse_at, wanted, starts, goal, steps, rate):
    return _near(_descend(glimpse_at, wanted, starts, steps, rate), goal).to(starts.dtype)


@mistake("basin", "The distances down and across are added up. A distance is the norm over both: `.norm(dim=-1)`.")
def both_coordinates_added(glimpse_at, wanted, starts, goal, steps, rate):
    return (_descend(glimpse_at, wanted, starts, steps, rate) - goal).abs().sum(-1) <= 1


@mistake("basin", "The gradient is computed once, at the starts. Each step needs the one where the window is by then.")
def always_the_first_gradient(glimpse_at, wanted, starts, goal, steps, rate):
    places = starts.detach().clone().requires_grad_()
    slope = torch.autograd.grad(((glimpse_at(places) - wanted) ** 2).sum(), places)[0]
    for _ in range(steps):
        places = _one_step(places, slope, rate)
    return _near(places.detach(), goal)


@mistake("basin", "The gradient is divided by its length *squared*: the root is missing. `slope.norm(...)` takes it.")
def divided_by_the_square(glimpse_at, wanted, starts, goal, steps, rate):
    ends = _descend(
        glimpse_at,
        wanted,
        starts,
        steps,
        rate,
        lambda p, g, r: p - r * g / (g.square().sum(dim=-1, keepdim=True) + 1e-8),
    )
    return _near(ends, goal)


@mistake(
    "basin",
    "There is nothing to differentiate: the places must ask for a gradient (`.detach()`, then `.requires_grad_()`), "
    "and the glimpse must not be made under `no_grad`.",
)
def no_gradient_asked(glimpse_at, wanted, starts, goal, steps, rate):
    places = starts.detach().clone()
    for _ in range(steps):
        slope = torch.autograd.grad(((glimpse_at(places) - wanted) ** 2).sum(), places)[0]
        places = _one_step(places, slope, rate)
    return _near(places, goal)


@mistake(
    "basin",
    "You count windows that come near the goal at any step. It counts where they are at the *end*.",
)
def near_at_any_time(glimpse_at, wanted, starts, goal, steps, rate):
    places = starts.clone()
    near = torch.zeros(len(starts), dtype=torch.bool)
    for _ in range(steps):
        places = places.detach().requires_grad_()
        loss = ((glimpse_at(places) - wanted) ** 2).sum()
        slope = torch.autograd.grad(loss, places)[0]
        places = places - rate * slope / (slope.norm(dim=-1, keepdim=True) + 1e-8)
        near |= (places.detach() - goal).norm(dim=-1) <= 1
    return near


@mistake(
    "basin",
    "You accept what is at most one *step* away. It is one pixel.",
)
def within_one_step(glimpse_at, wanted, starts, goal, steps, rate):
    places = starts.clone()
    for _ in range(steps):
        places = places.detach().requires_grad_()
        loss = ((glimpse_at(places) - wanted) ** 2).sum()
        slope = torch.autograd.grad(loss, places)[0]
        places = places - rate * slope / (slope.norm(dim=-1, keepdim=True) + 1e-8)
    return (places.detach() - goal).norm(dim=-1) <= rate


@mistake(
    "basin",
    "The gradient is divided by a constant. Divide by its own length: only the direction counts.",
)
def slope_by_a_constant(glimpse_at, wanted, starts, goal, steps, rate):
    places = starts.clone()
    for _ in range(steps):
        places = places.detach().requires_grad_()
        loss = ((glimpse_at(places) - wanted) ** 2).sum()
        slope = torch.autograd.grad(loss, places)[0]
        places = places - rate * slope / 10
    return (places.detach() - goal).norm(dim=-1) <= 1


@mistake(
    "basin",
    "A window exactly one pixel away counts in the basin: at most 1, `<=`.",
)
def nearer_than_one_pixel(glimpse_at, wanted, starts, goal, steps, rate):
    places = starts.clone()
    for _ in range(steps):
        places = places.detach().requires_grad_()
        loss = ((glimpse_at(places) - wanted) ** 2).sum()
        slope = torch.autograd.grad(loss, places)[0]
        places = places - rate * slope / (slope.norm(dim=-1, keepdim=True) + 1e-8)
    return (places.detach() - goal).norm(dim=-1) < 1


@mistake(
    "basin",
    "Your loss adds up absolute differences, whose gradient points elsewhere. It is the sum of *squared* ones.",
)
def absolute_differences(glimpse_at, wanted, starts, goal, steps, rate):
    places = starts.clone()
    for _ in range(steps):
        places = places.detach().requires_grad_()
        loss = (glimpse_at(places) - wanted).abs().sum()
        slope = torch.autograd.grad(loss, places)[0]
        places = places - rate * slope / (slope.norm(dim=-1, keepdim=True) + 1e-8)
    return (places.detach() - goal).norm(dim=-1) <= 1


@alternative("basin")
def by_backward(glimpse_at, wanted, starts, goal, steps, rate):
    places = torch.nn.Parameter(starts.clone())
    for _ in range(steps):
        places.grad = None
        (glimpse_at(places) - wanted).square().sum().backward()
        with torch.no_grad():
            places -= rate * torch.nn.functional.normalize(places.grad, dim=1)
    return ((places.detach() - goal) ** 2).sum(1).sqrt() <= 1


@alternative("basin")
def window_by_window(glimpse_at, wanted, starts, goal, steps, rate):
    found = []
    for n, place in enumerate(starts):
        for _ in range(steps):
            place = place.detach().requires_grad_()
            (slope,) = torch.autograd.grad(F.mse_loss(glimpse_at(place[None])[0], wanted), place)
            place = place.detach() - rate * slope / (slope.norm() + 1e-8)
        own = goal[n] if goal.ndim == 2 else goal
        found.append(math.dist(place.tolist(), own.tolist()) <= 1)
    return torch.tensor(found, dtype=torch.bool)


@alternative("basin")
def by_func(glimpse_at, wanted, starts, goal, steps, rate):
    slope_at = torch.func.grad(lambda p: torch.linalg.vector_norm(glimpse_at(p) - wanted).square())
    places = starts.clone()
    for _ in range(steps):
        slope = slope_at(places)
        places = places - rate * slope / torch.hypot(*slope.unbind(1)).add(1e-8)[:, None]
    return torch.linalg.vector_norm(places - goal, dim=1) <= 1.0


_SQUARED = "the difference is squared"
equivalent(
    "gaussian_mask", "torch.arange(C) - middles.unsqueeze(-1) -> middles.unsqueeze(-1) - torch.arange(C)", _SQUARED
)
for _difference in ("y - n -> n - y", "x - m -> m - x"):
    equivalent("bilinear_sample", _difference, "its absolute value is taken")
for _place in ("0 -> -1 (no. 4)", "0 -> -1 (no. 5)"):
    equivalent("bilinear_sample", _place, "a pixel outside is multiplied by 0, whatever was read for it")
equivalent(
    "degrees_of_freedom",
    "singular > 0.0001 * singular.max() -> singular >= 0.0001 * singular.max()",
    "no singular value is exactly at the threshold",
)
equivalent("basin", "drop .detach(…) in places.detach()", "the earlier steps are remembered for nothing")
equivalent("basin", "glimpse_at(places) - wanted -> wanted - glimpse_at(places)", _SQUARED)
equivalent("basin", "0 -> -1", "there is one gradient: it is the first, and the last")
equivalent(
    "basin",
    "slope.norm(dim=-1, keepdim=True) + 1e-08 -> slope.norm(dim=-1, keepdim=True) - 1e-08",
    "without a gradient a window stays where it is, whatever 0 is divided by",
)
equivalent("basin", "places - goal -> goal - places", "a distance has no sign")
