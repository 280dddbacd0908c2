"""Known answers to lesson 13: wrong ones with the sentence that helps, and right ones written otherwise."""

import math

import numpy as np
import torch
from torch.nn import functional as F

from autograder.authoring.bank import alternative, equivalent, mistake

# glimpse_sensor


def _patches(pictures, places, size, scales, corner=None, pool=F.avg_pool2d, grow=2):
    """Padded pictures, and patches cut from them; `corner` (middle in pixels, side) -> first row and column."""
    B, H, W = pictures.shape
    middles = (places + 1) / 2 * torch.tensor([H, W], dtype=places.dtype)
    corner = corner or (lambda middle, side: (middle - side / 2).round())
    found = []
    for k in range(scales):
        side = size * grow**k
        room = 2 * side + max(H, W)
        padded = F.pad(pictures, (room, room, room, room))
        first = corner(middles, side).long() + room
        rows, columns = (first[:, axis, None] + torch.arange(side) for axis in (0, 1))
        patch = padded[torch.arange(B)[:, None, None], rows[:, :, None], columns[:, None, :]]
        found.append(pool(patch, grow**k))
    return torch.stack(found, dim=1)


@mistake(
    "glimpse_sensor",
    "Down and across are swapped: places[:, 0] is the row, from the top, and places[:, 1] the column, from the left.",
)
def across_before_down(pictures, places, size, scales):
    return _patches(pictures, places.flip(-1), size, scales)


@mistake(
    "glimpse_sensor",
    "The place is the *middle* of a patch; you begin the patch there. Subtract half its side, s / 2.",
)
def place_as_corner(pictures, places, size, scales):
    return _patches(pictures, places, size, scales, lambda middle, side: middle.round())


@mistake(
    "glimpse_sensor",
    "All your patches begin `size / 2` before the place. A wider patch begins earlier: half of *its own* side.",
)
def half_of_the_narrow_side(pictures, places, size, scales):
    return _patches(pictures, places, size, scales, lambda middle, side: (middle - size / 2).round())


@mistake(
    "glimpse_sensor",
    "The corner is rounded down, not to the nearest pixel: `.long()` and `int` cut off, so `.round()` first.",
)
def rounded_down(pictures, places, size, scales):
    return _patches(pictures, places, size, scales, lambda middle, side: (middle - side / 2).floor())


@mistake(
    "glimpse_sensor",
    "At the edge your patch is pushed back into the picture. It stays where it is: what lies outside is 0.",
)
def pushed_inside(pictures, places, size, scales):
    _B, H, W = pictures.shape
    room = size * 2**scales
    wide = F.pad(pictures, (0, room, 0, room))
    found = []
    for k in range(scales):
        side = size * 2**k
        first = ((places + 1) / 2 * torch.tensor([H, W]) - side / 2).round().long()
        first = torch.stack([first[:, 0].clamp(0, max(0, H - side)), first[:, 1].clamp(0, max(0, W - side))], dim=1)
        cut = [wide[b, y : y + side, x : x + side] for b, (y, x) in enumerate(first.tolist())]
        found.append(F.avg_pool2d(torch.stack(cut), 2**k))
    return torch.stack(found, dim=1)


@mistake(
    "glimpse_sensor",
    "Outside the picture you repeat its last row and column. There is nothing there: 0. Multiply by a mask, "
    "or pad with zeros.",
)
def edges_repeated(pictures, places, size, scales):
    B, H, W = pictures.shape
    found = []
    for k in range(scales):
        side = size * 2**k
        first = ((places + 1) / 2 * torch.tensor([H, W]) - side / 2).round().long()
        rows = (first[:, 0, None] + torch.arange(side)).clamp(0, H - 1)
        columns = (first[:, 1, None] + torch.arange(side)).clamp(0, W - 1)
        patch = pictures[torch.arange(B)[:, None, None], rows[:, :, None], columns[:, None, :]]
        found.append(F.avg_pool2d(patch, 2**k))
    return torch.stack(found, dim=1)


@mistake(
    "glimpse_sensor",
    "A wide patch is made small by taking every second (fourth) pixel. Average the squares, or thin strokes vanish.",
)
def every_other_pixel(pictures, places, size, scales):
    return _patches(pictures, places, size, scales, pool=lambda patch, n: patch[:, ::n, ::n])


@mistake("glimpse_sensor", "A wide patch is made small by the largest of each square (max pooling). Take the mean.")
def largest_of_each_square(pictures, places, size, scales):
    return _patches(pictures, places, size, scales, pool=F.max_pool2d)


@mistake(
    "glimpse_sensor",
    "Your place 1 is the middle of the last pixel, (l + 1) / 2 · (H − 1). It is the picture's edge: (l + 1) / 2 · H.",
)
def corners_aligned(pictures, places, size, scales):
    _B, H, W = pictures.shape
    shrunk = (places + 1) * torch.tensor([(H - 1) / H, (W - 1) / W], dtype=places.dtype) - 1
    return _patches(pictures, shrunk, size, scales)


@mistake("glimpse_sensor", "You treat places as running from 0 to 1. They run from −1 to 1: (l + 1) / 2 first.")
def places_from_zero(pictures, places, size, scales):
    return _patches(pictures, 2 * places - 1, size, scales)


@mistake(
    "glimpse_sensor", "Your patches grow by adding `size` each time. Each is *twice* as wide as the last: size · 2^k."
)
def growing_by_addition(pictures, places, size, scales):
    _B, _H, _W = pictures.shape
    found = []
    for k in range(scales):
        one = _patches(pictures, places, size * (k + 1), 1)
        found.append(F.avg_pool2d(one[:, 0], k + 1))
    return torch.stack(found, dim=1)


@mistake("glimpse_sensor", "The order of the scales is turned around: patch 0 is the narrow, sharp one.")
def wide_first(pictures, places, size, scales):
    return _patches(pictures, places, size, scales).flip(1)


@mistake(
    "glimpse_sensor",
    "The height is used for both directions. The row counts by H, the column by W: pictures need not be square.",
)
def square_pictures_only(pictures, places, size, scales):
    _B, H, W = pictures.shape
    wrong = (places + 1) * torch.tensor([1.0, H / W], dtype=places.dtype) - 1
    return _patches(pictures, wrong, size, scales)


@mistake(
    "glimpse_sensor",
    "The corner is cut off towards zero, as `.long()` and `int` do: round it to the nearest pixel first, `.round()`.",
)
def cut_off(pictures, places, size, scales):
    return _patches(pictures, places, size, scales, lambda middle, side: (middle - side / 2).trunc())


@mistake(
    "glimpse_sensor",
    "The picture was padded, and the indices weren't shifted with it: with s zeros on every side all "
    "of them grow by s.",
)
def padding_not_counted(pictures, places, size, scales):
    B, H, W = pictures.shape
    found = []
    for k in range(scales):
        side = size * 2**k
        padded = F.pad(pictures, (side, side, side, side))
        first = ((places + 1) / 2 * torch.tensor([H, W], dtype=places.dtype) - side / 2).round().long()
        rows, columns = (first[:, axis, None] + torch.arange(side) for axis in (0, 1))
        patch = padded[torch.arange(B)[:, None, None], rows[:, :, None], columns[:, None, :]]
        found.append(F.avg_pool2d(patch, 2**k))
    return torch.stack(found, dim=1)


@mistake(
    "glimpse_sensor",
    "The squares of pixels are summed. Take their mean: a wide patch is no brighter than a narrow one.",
)
def squares_summed(pictures, places, size, scales):
    return _patches(pictures, places, size, scales, pool=lambda patch, side: F.avg_pool2d(patch, side) * side**2)


@mistake(
    "glimpse_sensor",
    "The half of 2 is missing: (l + 1) · H runs over two pictures. It is (l + 1) / 2 · H.",
)
def not_halved(pictures, places, size, scales):
    return _patches(pictures, 2 * places + 1, size, scales)


@mistake(
    "glimpse_sensor",
    "Pixels are blended by their distance (`grid_sample`, `interpolate`). This retina copies whole pixels, from the "
    "rounded corner on, and averages squares of them.",
)
def blended(pictures, places, size, scales):
    _, H, W = pictures.shape
    found = []
    for k in range(scales):
        side = size * 2**k
        offsets = (torch.arange(side, dtype=places.dtype) + 0.5) * 2 - side
        rows, columns = (places[:, axis, None] + offsets / length for axis, length in ((0, H), (1, W)))
        grid = torch.stack(torch.broadcast_tensors(columns[:, None, :], rows[:, :, None]), -1)
        patch = F.grid_sample(pictures.unsqueeze(1), grid.to(pictures), align_corners=False).squeeze(1)
        found.append(F.avg_pool2d(patch, 2**k))
    return torch.stack(found, dim=1)


@mistake(
    "glimpse_sensor",
    "All patches show `size` × `size` pixels: patch k shows size · 2^k each way, averaged down to `size`.",
)
def all_as_narrow(pictures, places, size, scales):
    return _patches(pictures, places, size, 1).expand(-1, scales, -1, -1)


@mistake(
    "glimpse_sensor",
    "All patches are cut from the *first* picture. Each place has its own: the batch needs an index, too, "
    "`torch.arange(B)`.",
)
def first_picture_only(pictures, places, size, scales):
    return _patches(pictures[:1].expand_as(pictures), places, size, scales)


@mistake(
    "glimpse_sensor",
    "The middle is rounded, and then half the side is subtracted. Round last: where the side is odd, half of it is no "
    "whole number.",
)
def middle_rounded(pictures, places, size, scales):
    return _patches(pictures, places, size, scales, lambda middle, side: middle.round() - side // 2)


@mistake(
    "glimpse_sensor",
    "Your first patch is the second: patch 0 shows `size` pixels each way, so the side is size · 2^k with k from 0.",
)
def one_scale_too_far(pictures, places, size, scales):
    return _patches(pictures, places, size, scales + 1)[:, 1:]


@alternative("glimpse_sensor")
def picture_by_picture(pictures, places, size, scales):
    B, H, W = pictures.shape
    out = torch.zeros(B, scales, size, size)
    for b in range(B):
        for k in range(scales):
            s = size * 2**k
            x = F.pad(pictures[b], (s, s, s, s))
            top = round(((places[b, 0] + 1) / 2 * H - s / 2).item()) + s
            left = round(((places[b, 1] + 1) / 2 * W - s / 2).item()) + s
            out[b, k] = F.avg_pool2d(x[None, top : top + s, left : left + s], 2**k)[0]
    return out


@alternative("glimpse_sensor")
def padded_and_indexed(pictures, places, size, scales):
    return _patches(pictures, places, size, scales)


@alternative("glimpse_sensor")
def with_numpy(pictures, places, size, scales):
    B, H, W = pictures.shape
    room = size * 2 ** (scales - 1)
    wide = np.pad(pictures.detach().numpy(), ((0, 0), (room, room), (room, room)))
    at = (places.numpy() + 1) / 2 * np.array([H, W])
    out = np.empty((B, scales, size, size), dtype=wide.dtype)
    for b in range(B):
        for k in range(scales):
            side = size * 2**k
            y, x = np.floor(at[b] - side / 2 + 0.5).astype(int) + room
            cut = wide[b, y : y + side, x : x + side]
            out[b, k] = cut.reshape(size, 2**k, size, 2**k).mean(axis=(1, 3))
    return torch.from_numpy(out)


@alternative("glimpse_sensor")
def with_einsum(pictures, places, size, scales):
    B, H, W = pictures.shape
    found = []
    for k in range(scales):
        side = size * 2**k
        first = ((places + 1) / 2 * torch.tensor([H, W]) - side / 2).round()
        rows, columns = (first[:, axis, None] + torch.arange(side) for axis in (0, 1))
        down = (rows[:, :, None] == torch.arange(H)).to(pictures.dtype).view(B, size, 2**k, H).mean(2)
        across = (columns[:, :, None] == torch.arange(W)).to(pictures.dtype).view(B, size, 2**k, W).mean(2)
        found.append(torch.einsum("bih,bhw,bjw->bij", down, pictures, across))
    return torch.stack(found, dim=1)


# fixed_and_random


def _scan(u, row_first=True, rows=2, offset=0.5):
    B, T, _ = u.shape
    columns = T // rows
    t = torch.arange(T)
    down, across = (t // columns, t % columns) if row_first else (t % rows, t // rows)
    tiles = torch.stack([(down + offset) / rows, (across + offset) / columns], dim=-1)
    return (2 * tiles - 1).expand(B, T, 2)


def _others(policy, u):
    return torch.zeros_like(u) if policy == "centre" else 2 * u - 1


@mistake(
    "fixed_and_random", "Your random places fill one quarter of the picture: u is from 0 to 1, places from −1 to 1."
)
def a_quarter_only(policy, u):
    return u if policy == "random" else _scan(u) if policy == "scan" else torch.zeros_like(u)


@mistake("fixed_and_random", "Your random places reach half as far as they should: 2 · u − 1, not u − ½.")
def half_as_far(policy, u):
    return u - 0.5 if policy == "random" else _scan(u) if policy == "scan" else torch.zeros_like(u)


@mistake("fixed_and_random", "The middle of the picture is the place (0, 0): places run from −1 to 1.")
def middle_as_a_half(policy, u):
    return torch.full_like(u, 0.5) if policy == "centre" else _scan(u) if policy == "scan" else 2 * u - 1


@mistake(
    "fixed_and_random",
    "Your scan looks at the tiles' upper left corners. Their middles are half a tile further on: t + ½.",
)
def corners_of_tiles(policy, u):
    return _scan(u, offset=0.0) if policy == "scan" else _others(policy, u)


@mistake("fixed_and_random", "Your scan runs down the columns. Row by row: first along the upper row, then the lower.")
def down_the_columns(policy, u):
    return _scan(u, row_first=False) if policy == "scan" else _others(policy, u)


@mistake(
    "fixed_and_random", "Down and across are swapped in the scan: a place is (down, across), and there are two *rows*."
)
def two_columns(policy, u):
    return _scan(u).flip(-1) if policy == "scan" else _others(policy, u)


@mistake("fixed_and_random", "Your scan is left in numbers from 0 to 1. Places run from −1 to 1: 2 · x − 1.")
def scan_from_zero(policy, u):
    return (_scan(u) + 1) / 2 if policy == "scan" else _others(policy, u)


@mistake(
    "fixed_and_random",
    "You draw luck of your own. Use u: it is drawn already, so that everybody looks at the same places.",
)
def drawn_anew(policy, u):
    if policy == "random":
        return 2 * torch.rand_like(u) - 1
    return _scan(u) if policy == "scan" else torch.zeros_like(u)


@mistake(
    "fixed_and_random",
    "Your scan is (T, 2), the same for every picture, but the batch has an axis, too: `.expand(B, T, 2)`.",
)
def scan_without_a_batch(policy, u):
    return _scan(u)[0] if policy == "scan" else _others(policy, u)


@mistake(
    "fixed_and_random",
    "The scan goes from edge to edge, as linspace(−1, 1) does. The middles of the tiles stay half a tile away "
    "from the edges.",
)
def from_edge_to_edge(policy, u):
    if policy != "scan":
        return _others(policy, u)
    B, T, _ = u.shape
    grid = torch.cartesian_prod(torch.linspace(-1, 1, 2), torch.linspace(-1, 1, T // 2))
    return grid.to(u.dtype).expand(B, T, 2)


@mistake(
    "fixed_and_random",
    "The scan's places run from one edge of a row to the other, −1 to 1. The middles of n tiles are (c + ½) / n, half "
    "a tile away from the edges.",
)
def columns_to_the_edges(policy, u):
    if policy != "scan":
        return _others(policy, u)
    n = u.shape[1] // 2
    t = torch.arange(2 * n)
    return torch.stack([(t // n) - 0.5, 2 * (t % n) / (n - 1) - 1], -1).expand(*u.shape)


@mistake(
    "fixed_and_random",
    "Your scan is cut into T / 2 rows of two tiles. It is *two* rows, of T / 2 tiles each.",
)
def rows_of_two(policy, u):
    if policy != "scan":
        return _others(policy, u)
    n = u.shape[1] // 2
    t = torch.arange(2 * n)
    return torch.stack([(t // 2 + 0.5) / n, (t % 2 + 0.5) / 2], -1).expand(*u.shape) * 2 - 1


@mistake(
    "fixed_and_random",
    "Your tiles are counted as if there were always 4 glimpses: a row has T / 2 of them.",
)
def always_four(policy, u):
    if policy != "scan":
        return _others(policy, u)
    t = torch.arange(u.shape[1])
    return torch.stack([(t // 2 + 0.5) / 2, (t % 2 + 0.5) / 2], -1).expand(*u.shape) * 2 - 1


@mistake(
    "fixed_and_random",
    "Your scan begins at the bottom. Row by row from the top left: down is −½ first.",
)
def from_the_bottom(policy, u):
    return _scan(u) * torch.tensor([-1.0, 1.0]) if policy == "scan" else _others(policy, u)


@mistake(
    "fixed_and_random",
    "Your scan turns round at the end of a row, and comes back along the next. Each row is read from the left.",
)
def to_and_fro(policy, u):
    if policy != "scan":
        return _others(policy, u)
    n = u.shape[1] // 2
    return torch.cat([_scan(u)[:, :n], _scan(u)[:, n:].flip(1)], 1)


@mistake(
    "fixed_and_random",
    "The centre isn't recognised: the name is \"centre\", as in the task, and it gets another policy's places.",
)
def centre_unknown(policy, u):
    return 2 * u - 1 if policy == "random" else _scan(u)


@mistake(
    "fixed_and_random",
    "The random places are normal, not uniform: they cluster in the middle, and some are outside. Use u, which is "
    "drawn already: 2 · u − 1.",
)
def drawn_normal(policy, u):
    if policy == "random":
        return torch.randn_like(u)
    return _scan(u) if policy == "scan" else _others(policy, u)


@mistake(
    "fixed_and_random",
    "Your scan looks at the tiles' lower right corners. Their middles lie half a tile before: t + ½, not t + 1.",
)
def lower_right_corners(policy, u):
    return _scan(u, offset=1.0) if policy == "scan" else _others(policy, u)


@mistake(
    "fixed_and_random",
    "Your scan has T columns in one row. It is two rows of T / 2 tiles.",
)
def one_row_of_all(policy, u):
    if policy != "scan":
        return _others(policy, u)
    T = u.shape[1]
    t = torch.arange(T)
    return torch.stack([(t // T + 0.5) / 2, (t % T + 0.5) / T], -1).expand(*u.shape) * 2 - 1


@mistake(
    "fixed_and_random",
    "All glimpses of a picture look at the same random place. Each has its own, u[b, t].",
)
def one_place_for_all_glimpses(policy, u):
    B, T, _ = u.shape
    if policy == "centre":
        x = torch.full_like(u, 0.5)
    elif policy == "random":
        x = u[:, :1].expand(B, T, 2)
    else:
        n = T // 2
        t = torch.arange(T)
        x = torch.stack([(t // n + 0.5) / 2, (t % n + 0.5) / n], -1).to(u.dtype).expand(B, T, 2)
    return 2 * x - 1


@mistake(
    "fixed_and_random",
    "Your random places are mirrored, 1 − 2u. Make [0, 1) to [−1, 1): 2u − 1.",
)
def random_mirrored(policy, u):
    B, T, _ = u.shape
    if policy == "centre":
        x = torch.full_like(u, 0.5)
    elif policy == "random":
        x = 1 - u
    else:
        n = T // 2
        t = torch.arange(T)
        x = torch.stack([(t // n + 0.5) / 2, (t % n + 0.5) / n], -1).to(u.dtype).expand(B, T, 2)
    return 2 * x - 1


@alternative("fixed_and_random")
def with_loops(policy, u):
    places = []
    for rows in u.tolist():
        path = []
        for t, (a, b) in enumerate(rows):
            if policy == "centre":
                path.append([0.0, 0.0])
            elif policy == "random":
                path.append([2 * a - 1, 2 * b - 1])
            else:
                n = len(rows) // 2
                path.append([2 * (t // n + 0.5) / 2 - 1, 2 * (t % n + 0.5) / n - 1])
        places.append(path)
    return torch.tensor(places)


@alternative("fixed_and_random")
def by_product_of_middles(policy, u):
    B, T, _ = u.shape
    if policy == "scan":
        n = T // 2
        across = (torch.arange(n, dtype=u.dtype) * 2 + 1) / n - 1
        return torch.cartesian_prod(torch.tensor([-0.5, 0.5], dtype=u.dtype), across).repeat(B, 1, 1)
    return {"centre": u * 0, "random": u * 2 - 1}[policy]


@alternative("fixed_and_random")
def by_numpy(policy, u):
    B, T, _ = u.shape
    x = {"centre": np.full((B, T, 2), 0.5), "random": u.numpy()}.get(policy)
    if x is None:
        down, across = np.divmod(np.arange(T), T // 2)
        x = np.tile(np.stack([(down + 0.5) / 2, (across + 0.5) / (T // 2)], axis=-1), (B, 1, 1))
    return torch.from_numpy(2 * x - 1)


# location_log_prob


def _log_prob(places, means, sigma):
    return -((places - means) ** 2) / (2 * sigma**2) - math.log(sigma) - math.log(2 * math.pi) / 2


@mistake(
    "location_log_prob",
    "The places were made from the means, and you let the gradient flow through them: it cancels out, and the "
    "policy never "
    "moves. `places.detach()`.",
)
def places_not_detached(places, means, sigma):
    return _log_prob(places, means, sigma).sum(-1)


@mistake("location_log_prob", "You detach the means. They are what learns; it is the places that count as given.")
def means_detached(places, means, sigma):
    return _log_prob(places, means.detach(), sigma).sum(-1)


@mistake(
    "location_log_prob",
    "The two coordinates' logarithms are averaged. Log-probabilities of independent parts add up: `.sum(-1)`.",
)
def mean_of_coordinates(places, means, sigma):
    return _log_prob(places.detach(), means, sigma).mean(-1)


@mistake("location_log_prob", "One number for each coordinate is left. Add the two: `.sum(dim=-1)`.")
def not_added_up(places, means, sigma):
    return _log_prob(places.detach(), means, sigma)


@mistake("location_log_prob", "The square is divided by 2σ. It is 2σ²: the standard deviation, squared.")
def divided_by_sigma(places, means, sigma):
    squares = (places.detach() - means) ** 2 / (2 * sigma)
    return (-squares - math.log(sigma) - math.log(2 * math.pi) / 2).sum(-1)


@mistake("location_log_prob", "The ½ is missing: the exponent of a normal density is −(l − μ)² / (2 σ²).")
def no_half(places, means, sigma):
    squares = (places.detach() - means) ** 2 / sigma**2
    return (-squares - math.log(sigma) - math.log(2 * math.pi) / 2).sum(-1)


@mistake("location_log_prob", "This is the density itself. Its logarithm is asked for: leave out exp.")
def density_itself(places, means, sigma):
    return _log_prob(places.detach(), means, sigma).sum(-1).exp()


@mistake("location_log_prob", "The sign is wrong: this is −log π.")
def negative(places, means, sigma):
    return -_log_prob(places.detach(), means, sigma).sum(-1)


@mistake(
    "location_log_prob",
    "Only the square is there: −log σ − ½ log 2π is missing. The gradient doesn't notice, but this is no log-density.",
)
def squares_only(places, means, sigma):
    return (-((places.detach() - means) ** 2) / (2 * sigma**2)).sum(-1)


@mistake("location_log_prob", "−log σ and ½ log 2π are counted once. There are two coordinates: each has them.")
def constant_counted_once(places, means, sigma):
    squares = ((places.detach() - means) ** 2 / (2 * sigma**2)).sum(-1)
    return -squares - math.log(sigma) - math.log(2 * math.pi) / 2


@mistake(
    "location_log_prob", "σ is taken as the variance. It is the standard deviation: divide by 2σ², and subtract log σ."
)
def sigma_as_variance(places, means, sigma):
    return torch.distributions.Normal(means, sigma**0.5).log_prob(places.detach()).sum(-1)


@mistake(
    "location_log_prob",
    "The logarithms of all glimpses are added up. Only the two coordinates: one number for each place is left.",
)
def everything_added(places, means, sigma):
    return _log_prob(places.detach(), means, sigma).sum()


@mistake(
    "location_log_prob", "The sign of the square is wrong: the density falls with the distance, −(l − μ)² / (2 σ²)."
)
def square_added(places, means, sigma):
    square = (places.detach() - means) ** 2 / (2 * sigma**2)
    return (square - math.log(sigma) - 0.5 * math.log(2 * math.pi)).sum(-1)


@mistake("location_log_prob", "The ½ before log 2π is missing: it is the logarithm of √(2π).")
def whole_logarithm(places, means, sigma):
    square = -((places.detach() - means) ** 2) / (2 * sigma**2)
    return (square - math.log(sigma) - math.log(2 * math.pi)).sum(-1)


@mistake(
    "location_log_prob",
    "The variance σ² stands where the standard deviation belongs: `Normal(μ, σ)` takes σ itself, and the square is "
    "divided by 2 σ², not 2 σ⁴.",
)
def variance_as_sigma(places, means, sigma):
    return torch.distributions.Normal(means, sigma**2).log_prob(places.detach()).sum(-1)


@mistake("location_log_prob", "−log σ is missing (or added): the wider the density, the lower it is.")
def without_log_sigma(places, means, sigma):
    square = -((places.detach() - means) ** 2) / (2 * sigma**2)
    return (square - 0.5 * math.log(2 * math.pi)).sum(-1)


@mistake("location_log_prob", "−½ log 2π is missing.")
def without_log_two_pi(places, means, sigma):
    square = -((places.detach() - means) ** 2) / (2 * sigma**2)
    return (square - math.log(sigma)).sum(-1)


@mistake("location_log_prob", "log σ is added. It is subtracted: the wider the density, the lower it is.")
def log_sigma_added(places, means, sigma):
    square = -((places.detach() - means) ** 2) / (2 * sigma**2)
    return (square + math.log(sigma) - 0.5 * math.log(2 * math.pi)).sum(-1)


@mistake("location_log_prob", "The distance isn't squared: it is −(l − μ)² / (2 σ²), and no root of it.")
def distance_not_squared(places, means, sigma):
    distance = (places.detach() - means).norm(dim=-1)
    return -distance / (2 * sigma**2) - 2 * math.log(sigma) - math.log(2 * math.pi)


@mistake(
    "location_log_prob",
    "log σ and ½ log 2π are subtracted once. Each of the *two* coordinates has them.",
)
def constants_once(places, means, sigma):
    places = places.detach()
    return (-((places - means) ** 2) / (2 * sigma**2)).sum(-1) - math.log(sigma) - math.log(2 * math.pi)


@mistake(
    "location_log_prob",
    "log σ is to base 10. Take the natural logarithm, `math.log`.",
)
def logarithm_to_ten(places, means, sigma):
    places = places.detach()
    return (-((places - means) ** 2) / (2 * sigma**2) - math.log10(sigma) - 0.5 * math.log(2 * math.pi)).sum(-1)


@mistake(
    "location_log_prob",
    "This is the colleague's function as it was. Two things are wrong: log σ and ½ log 2π are subtracted once, not for "
    "each of the two coordinates, and the gradient flows through the places, so that it cancels out.",
)
def log_prob_as_found(places, means, sigma):
    squares = ((places - means) ** 2).sum(dim=-1) / (2 * sigma**2)
    return -squares - math.log(sigma) - math.log(2 * math.pi) / 2


@alternative("location_log_prob")
def with_distributions(places, means, sigma):
    return torch.distributions.Normal(means, sigma).log_prob(places.detach()).sum(-1)


@alternative("location_log_prob")
def in_one_normal(places, means, sigma):
    covariance = sigma**2 * torch.eye(2, dtype=means.dtype)
    return torch.distributions.MultivariateNormal(means, covariance).log_prob(places.detach())


@alternative("location_log_prob")
def logarithm_of_the_density(places, means, sigma):
    given = places.clone().detach()
    distance = (given - means).square().sum(-1)
    return -distance / 2 / sigma**2 - math.log(2 * math.pi * sigma**2)


@alternative("location_log_prob")
def coordinate_by_coordinate(places, means, sigma):
    with torch.no_grad():
        y, x = places[..., 0].clone(), places[..., 1].clone()
    constant = math.log(sigma * math.sqrt(2 * math.pi))
    total = 0
    for given, mean in ((y, means[..., 0]), (x, means[..., 1])):
        total = total - 0.5 * ((given - mean) / sigma) ** 2 - constant
    return total


# mean_gradient


def _of_one(loss, log_p, logits, reward, baseline):
    one = loss(log_p.view(1, 1), reward.view(1), baseline.view(1, 1))
    return torch.autograd.grad(one, logits, retain_graph=True)[0]


def _average(loss, logits, rewards, baseline, chances=lambda p: p, hand=lambda log_p, x: log_p):
    """The average, with other chances of the places, or with something else handed to the loss."""
    logits = logits.detach().requires_grad_()
    log_p = logits.log_softmax(0)
    weights, handed = chances(log_p.exp().detach()), hand(log_p, logits)
    rows = [_of_one(loss, handed[k], logits, rewards[k], baseline) for k in range(len(logits))]
    return (weights.unsqueeze(1) * torch.stack(rows)).sum(0)


@mistake(
    "mean_gradient",
    "Each place counts the same. On average over all *draws* a place counts as often as it is drawn: weigh its "
    "gradient by p_k.",
)
def each_place_alike(loss, logits, rewards, baseline):
    return _average(loss, logits, rewards, baseline, chances=lambda p: torch.full_like(p, 1 / len(p)))


@mistake("mean_gradient", "The gradients of all places are summed. An average weighs each by its chance p_k.")
def added_up(loss, logits, rewards, baseline):
    return _average(loss, logits, rewards, baseline, chances=torch.ones_like)


@mistake(
    "mean_gradient",
    "You differentiate the average loss, chances and all, so a gradient flows through the p_k, too. Take the gradient "
    "of each draw first; then average, with the chances as plain numbers.",
)
def chances_differentiated(loss, logits, rewards, baseline):
    logits = logits.detach().requires_grad_()
    log_p = logits.log_softmax(0)
    draws = [loss(log_p[k].view(1, 1), rewards[k].view(1), baseline.view(1, 1)) for k in range(len(logits))]
    return torch.autograd.grad((log_p.exp() * torch.stack(draws)).sum(), logits)[0]


@mistake("mean_gradient", "This is one draw, that of the likeliest place. Try *all* places, and average.")
def likeliest_place_only(loss, logits, rewards, baseline):
    return _average(loss, logits, rewards, baseline, chances=lambda p: (p == p.max()).to(p.dtype))


@mistake(
    "mean_gradient",
    "This is what *should* come out, the gradient of −E[R]. The loss that you were given isn't asked at all, so a "
    "wrong one would pass.",
)
def what_should_come_out(loss, logits, rewards, baseline):
    logits = logits.detach().requires_grad_()
    return torch.autograd.grad(-(logits.softmax(0) * rewards).sum(), logits)[0]


@mistake("mean_gradient", "The loss gets the chance p_k. It wants the *log*-probability: `log_softmax`.")
def without_logarithm(loss, logits, rewards, baseline):
    return _average(loss, logits, rewards, baseline, hand=lambda log_p, x: log_p.exp())


@mistake(
    "mean_gradient", "The loss gets the logits as they are. Its log-probabilities are `logits.log_softmax(dim=0)`."
)
def logits_handed(loss, logits, rewards, baseline):
    return _average(loss, logits, rewards, baseline, hand=lambda log_p, x: x)


@mistake("mean_gradient", "The sign is turned around. A loss's own gradient is asked, not the step against it.")
def step_against_it(loss, logits, rewards, baseline):
    return -_average(loss, logits, rewards, baseline)


@mistake("mean_gradient", "The loss gets 0 for a baseline. Hand on the one that you were given.")
def baseline_left_out(loss, logits, rewards, baseline):
    return _average(loss, logits, rewards, torch.zeros_like(baseline))


@mistake(
    "mean_gradient", "You subtract the baseline from the rewards yourself. That is the loss's business: it gets both."
)
def baseline_subtracted_before(loss, logits, rewards, baseline):
    return _average(loss, logits, rewards - baseline, baseline)


@mistake("mean_gradient", "One number is left. The gradient has K of them, one for each logit.")
def summed_to_a_number(loss, logits, rewards, baseline):
    return _average(loss, logits, rewards, baseline).sum()


@mistake("mean_gradient", "This is the average of the loss itself. Its *gradient* at the logits is asked.")
def average_of_the_loss(loss, logits, rewards, baseline):
    log_p = logits.log_softmax(0)
    draws = [loss(log_p[k].view(1, 1), rewards[k].view(1), baseline.view(1, 1)) for k in range(len(logits))]
    return (log_p.exp() * torch.stack(draws)).sum()


@mistake(
    "mean_gradient",
    "This is the gradient at the log-probabilities. At the *logits* it is asked: they share the softmax, so each "
    "place's draw moves all of them.",
)
def at_the_log_probabilities(loss, logits, rewards, baseline):
    log_p = logits.log_softmax(0).detach().requires_grad_()
    rows = [_of_one(loss, log_p[k], log_p, rewards[k], baseline) for k in range(len(logits))]
    return (log_p.exp().unsqueeze(1) * torch.stack(rows)).sum(0).detach()


@mistake("mean_gradient", "Every place gets the reward of the first. Place k brings `rewards[k]`.")
def first_reward_for_all(loss, logits, rewards, baseline):
    return _average(loss, logits, rewards[:1].expand_as(rewards), baseline)


@mistake(
    "mean_gradient",
    "The chances are not normalised: they are softmax(logits), not exp(logits).",
)
def chances_not_normalised(loss, logits, rewards, baseline):
    return _average(loss, logits, rewards, baseline, chances=lambda p: logits.exp())


@mistake("mean_gradient", "The log-probabilities stand in for the chances: weigh by p_k = exp(log p_k).")
def weighed_by_logarithms(loss, logits, rewards, baseline):
    return _average(loss, logits, rewards, baseline, chances=lambda p: p.log())


@mistake("mean_gradient", "The last place is left out: try all K of them.")
def last_place_left_out(loss, logits, rewards, baseline):
    return _average(loss, logits, rewards, baseline, chances=lambda p: torch.cat([p[:-1], 0 * p[-1:]]))


@alternative("mean_gradient")
def by_jacobian(loss, logits, rewards, baseline):
    def draws(x):
        log_p = x.log_softmax(0)
        each = zip(log_p, rewards, strict=True)
        return torch.stack(
            [loss(one.reshape(1, 1), r.reshape(1), baseline.reshape(1, 1)).reshape(()) for one, r in each]
        )

    return logits.softmax(0) @ torch.autograd.functional.jacobian(draws, logits)


@alternative("mean_gradient")
def by_backward(loss, logits, rewards, baseline):
    free = logits.clone().detach().requires_grad_(True)
    chances = free.detach().softmax(0)
    for k in range(len(free)):
        one = loss(torch.log_softmax(free, 0)[k].reshape(1, 1), rewards[k : k + 1], baseline[None, None])
        (chances[k] * one).backward()
    return free.grad


@alternative("mean_gradient")
def by_func(loss, logits, rewards, baseline):
    total = 0
    for k in range(len(logits)):

        def one(x, k=k):
            log_p = x - x.logsumexp(0)
            return loss(log_p[k].expand(1, 1), rewards[k].expand(1), baseline.expand(1, 1))

        total = total + logits.softmax(0)[k] * torch.func.grad(one)(logits)
    return total


# hybrid_loss


def _naming(logits, labels):
    return F.cross_entropy(logits.flatten(0, 1), labels.repeat_interleave(logits.shape[1]))


def _reward(logits, labels):
    return (logits[:, -1].argmax(-1) == labels).to(logits.dtype)


def _foresight(reward, baselines):
    return ((reward.unsqueeze(1) - baselines) ** 2).mean()


@mistake(
    "hybrid_loss",
    "The cross-entropy gets chances, and takes their softmax once more. `F.cross_entropy` expects logits.",
)
def softmax_twice(reinforce, logits, labels, log_probs, baselines):
    reward = _reward(logits, labels)
    naming = _naming(logits.softmax(-1), labels)
    return naming + reinforce(log_probs, reward, baselines) + _foresight(reward, baselines)


@mistake(
    "hybrid_loss",
    "The policy's term still has its minus in front. `reinforce` returns a loss, with its own: so you make "
    "good looks rarer.",
)
def policy_subtracted(reinforce, logits, labels, log_probs, baselines):
    reward = _reward(logits, labels)
    return _naming(logits, labels) - reinforce(log_probs, reward, baselines) + _foresight(reward, baselines)


@mistake(
    "hybrid_loss",
    "The baselines are still detached in their own loss, so they never learn. Only the policy's term must not "
    "train them.",
)
def foresight_detached(reinforce, logits, labels, log_probs, baselines):
    reward = _reward(logits, labels)
    return _naming(logits, labels) + reinforce(log_probs, reward, baselines) + _foresight(reward, baselines.detach())


@mistake(
    "hybrid_loss",
    "`labels.repeat(T)` is 7 2 7 2 …, but the rows of `flatten(0, 1)` are picture 0's glimpses first: "
    "`repeat_interleave(T)`.",
)
def labels_repeated(reinforce, logits, labels, log_probs, baselines):
    reward = _reward(logits, labels)
    naming = F.cross_entropy(logits.flatten(0, 1), labels.repeat(logits.shape[1]))
    return naming + reinforce(log_probs, reward, baselines) + _foresight(reward, baselines)


@mistake("hybrid_loss", "Nothing is mended yet: this is the loss with its four mistakes.")
def as_it_was(reinforce, logits, labels, log_probs, baselines):
    answers = logits.softmax(-1)
    reward = (answers[:, -1].argmax(-1) == labels).to(logits.dtype)
    naming = F.cross_entropy(answers.flatten(0, 1), labels.repeat(logits.shape[1]))
    foresight = ((reward.unsqueeze(1) - baselines.detach()) ** 2).mean()
    return naming - reinforce(log_probs, reward, baselines) + foresight


@mistake(
    "hybrid_loss",
    "Only the last answer is named. The cross-entropy is the mean over the answers after *every* glimpse.",
)
def last_answer_only(reinforce, logits, labels, log_probs, baselines):
    reward = _reward(logits, labels)
    naming = F.cross_entropy(logits[:, -1], labels)
    return naming + reinforce(log_probs, reward, baselines) + _foresight(reward, baselines)


@mistake("hybrid_loss", "The reward is that of the first answer. What counts is whether the *last* one is right.")
def first_answer_rewarded(reinforce, logits, labels, log_probs, baselines):
    reward = (logits[:, 0].argmax(-1) == labels).to(logits.dtype)
    return _naming(logits, labels) + reinforce(log_probs, reward, baselines) + _foresight(reward, baselines)


@mistake("hybrid_loss", "The baselines' squared error is missing: then nobody teaches them to foresee the reward.")
def no_foresight(reinforce, logits, labels, log_probs, baselines):
    return _naming(logits, labels) + reinforce(log_probs, _reward(logits, labels), baselines) + 0.0 * baselines.sum()


@mistake("hybrid_loss", "The policy's term is missing: where to look is never learned.")
def no_policy(reinforce, logits, labels, log_probs, baselines):
    return _naming(logits, labels) + _foresight(_reward(logits, labels), baselines) + 0.0 * log_probs.sum()


@mistake("hybrid_loss", "The cross-entropy is missing: then nothing teaches the network to read.")
def no_naming(reinforce, logits, labels, log_probs, baselines):
    reward = _reward(logits, labels)
    return reinforce(log_probs, reward, baselines) + _foresight(reward, baselines) + 0.0 * logits.sum()


@mistake("hybrid_loss", "The squared errors are summed. Take their mean over batch and glimpses.")
def foresight_summed(reinforce, logits, labels, log_probs, baselines):
    reward = _reward(logits, labels)
    foresight = ((reward.unsqueeze(1) - baselines) ** 2).sum()
    return _naming(logits, labels) + reinforce(log_probs, reward, baselines) + foresight


def _with(reinforce, logits, labels, log_probs, baselines, names="", repeat=False, detach=False, sign=1):
    """The loss with some of its four mistakes."""
    T = logits.shape[1]
    answers = logits.softmax(-1) if names else logits
    rows = labels.repeat(T) if repeat else labels.repeat_interleave(T)
    reward = (logits[:, -1].argmax(-1) == labels).to(logits.dtype)
    expected = baselines.detach() if detach else baselines
    foresight = ((reward.unsqueeze(1) - expected) ** 2).mean()
    return F.cross_entropy(answers.flatten(0, 1), rows) + sign * reinforce(log_probs, reward, baselines) + foresight


@mistake(
    "hybrid_loss",
    "Two mistakes are left: the softmax before the cross-entropy, which has its own, and the baselines, which are "
    "still detached in their own loss.",
)
def softmax_and_detached(reinforce, logits, labels, log_probs, baselines):
    return _with(reinforce, logits, labels, log_probs, baselines, names="softmax", detach=True)


@mistake(
    "hybrid_loss",
    "Two mistakes are left: the softmax before the cross-entropy, which has its own, and the minus before the policy's "
    "term, which is a loss already.",
)
def softmax_and_minus(reinforce, logits, labels, log_probs, baselines):
    return _with(reinforce, logits, labels, log_probs, baselines, names="softmax", sign=-1)


@mistake(
    "hybrid_loss",
    "Two mistakes are left: the softmax before the cross-entropy, which has its own, and `labels.repeat`, where "
    "picture 0's glimpses come first: `repeat_interleave`.",
)
def softmax_and_repeat(reinforce, logits, labels, log_probs, baselines):
    return _with(reinforce, logits, labels, log_probs, baselines, names="softmax", repeat=True)


@mistake(
    "hybrid_loss",
    "Two mistakes are left: `labels.repeat`, where picture 0's glimpses come first (`repeat_interleave`), and the "
    "baselines, which are still detached in their own loss.",
)
def repeat_and_detached(reinforce, logits, labels, log_probs, baselines):
    return _with(reinforce, logits, labels, log_probs, baselines, repeat=True, detach=True)


@mistake(
    "hybrid_loss",
    "Two mistakes are left: `labels.repeat`, where picture 0's glimpses come first (`repeat_interleave`), and the "
    "minus before the policy's term, which is a loss already.",
)
def repeat_and_minus(reinforce, logits, labels, log_probs, baselines):
    return _with(reinforce, logits, labels, log_probs, baselines, repeat=True, sign=-1)


@mistake(
    "hybrid_loss",
    "Two mistakes are left: the baselines, still detached in their own loss, and the minus before the policy's term, "
    "which is a loss already.",
)
def detached_and_minus(reinforce, logits, labels, log_probs, baselines):
    return _with(reinforce, logits, labels, log_probs, baselines, detach=True, sign=-1)


@mistake(
    "hybrid_loss",
    "Only the minus before the policy's term is mended. Look at the softmax (`F.cross_entropy` has its own), at "
    "`labels.repeat`, and at what is detached.",
)
def minus_mended_only(reinforce, logits, labels, log_probs, baselines):
    return _with(reinforce, logits, labels, log_probs, baselines, names="softmax", repeat=True, detach=True)


@mistake("hybrid_loss", "The squared error is subtracted: the baselines would be pushed away from the reward. Add it.")
def foresight_subtracted(reinforce, logits, labels, log_probs, baselines):
    reward = _reward(logits, labels)
    return _naming(logits, labels) + reinforce(log_probs, reward, baselines) - _foresight(reward, baselines)


@mistake("hybrid_loss", "The baselines' error is its absolute value here. It is squared.")
def foresight_absolute(reinforce, logits, labels, log_probs, baselines):
    reward = _reward(logits, labels)
    error = (reward.unsqueeze(1) - baselines).abs().mean()
    return _naming(logits, labels) + reinforce(log_probs, reward, baselines) + error


@mistake(
    "hybrid_loss",
    "The cross-entropies are summed. Take their mean over all pictures and glimpses, as `F.cross_entropy` does by "
    "itself.",
)
def naming_summed(reinforce, logits, labels, log_probs, baselines):
    reward, T = _reward(logits, labels), logits.shape[1]
    naming = _naming(logits, labels) * len(labels) * T
    return naming + reinforce(log_probs, reward, baselines) + _foresight(reward, baselines)


@mistake(
    "hybrid_loss",
    "You call your own `reinforce_loss`. Call `reinforce`, the function that is handed over: it may be another one.",
)
def own_reinforce_loss(reinforce, logits, labels, log_probs, baselines):
    reward = _reward(logits, labels)
    advantage = (reward.unsqueeze(1) - baselines).detach()
    policy = -(advantage / (advantage.std() + 1e-6) * log_probs).sum(1).mean()
    return _naming(logits, labels) + policy + _foresight(reward, baselines)


@mistake(
    "hybrid_loss",
    "The log-probabilities are detached before `reinforce` gets them: then the policy never learns where to look.",
)
def policy_detached(reinforce, logits, labels, log_probs, baselines):
    reward = _reward(logits, labels)
    policy = reinforce(log_probs.detach(), reward, baselines)
    return _naming(logits, labels) + policy + _foresight(reward, baselines)


@mistake(
    "hybrid_loss",
    "The reward is the share (or chance) of right answers, not 1 or 0 of the last one: argmax, and "
    "compare with the label.",
)
def reward_is_a_chance(reinforce, logits, labels, log_probs, baselines):
    reward = logits[:, -1].softmax(-1).gather(1, labels.unsqueeze(1)).squeeze(1).detach()
    return _naming(logits, labels) + reinforce(log_probs, reward, baselines) + _foresight(reward, baselines)


@mistake(
    "hybrid_loss",
    "The reward is the share of *all* answers that are right. It is 1 or 0: was the last answer right?",
)
def all_answers_rewarded(reinforce, logits, labels, log_probs, baselines):
    reward = (logits.argmax(-1) == labels.unsqueeze(1)).to(logits.dtype).mean(1)
    return _naming(logits, labels) + reinforce(log_probs, reward, baselines) + _foresight(reward, baselines)


@mistake(
    "hybrid_loss",
    "Logits and labels stand in different orders: with the axes of the logits exchanged, glimpses come first, and the "
    "labels would have to be repeated as a whole. Flatten (B, T, C) as it is, with `repeat_interleave`.",
)
def glimpses_first(reinforce, logits, labels, log_probs, baselines):
    reward = _reward(logits, labels)
    naming = F.cross_entropy(logits.transpose(0, 1).flatten(0, 1), labels.repeat_interleave(logits.shape[1]))
    return naming + reinforce(log_probs, reward, baselines) + _foresight(reward, baselines)


@mistake("hybrid_loss", "The three terms are averaged. They are added up, as they are.")
def terms_averaged(reinforce, logits, labels, log_probs, baselines):
    reward = _reward(logits, labels)
    return (_naming(logits, labels) + reinforce(log_probs, reward, baselines) + _foresight(reward, baselines)) / 3


@mistake(
    "hybrid_loss",
    "The squared error of the baselines is halved. There is no ½ in it.",
)
def half_the_squared_error(reinforce, logits, labels, log_probs, baselines):
    T = logits.shape[1]
    naming = F.cross_entropy(logits.flatten(0, 1), labels.repeat_interleave(T))
    reward = (logits[:, -1].argmax(dim=-1) == labels).to(logits.dtype)
    policy = reinforce(log_probs, reward, baselines)
    foresight = ((reward.unsqueeze(1) - baselines) ** 2).mean()
    return naming + policy + 0.5 * foresight


@mistake(
    "hybrid_loss",
    "The reward is 1 where the last answer is *wrong*.",
)
def reward_for_the_wrong(reinforce, logits, labels, log_probs, baselines):
    T = logits.shape[1]
    naming = F.cross_entropy(logits.flatten(0, 1), labels.repeat_interleave(T))
    reward = (logits[:, -1].argmax(dim=-1) != labels).to(logits.dtype)
    policy = reinforce(log_probs, reward, baselines)
    foresight = ((reward.unsqueeze(1) - baselines) ** 2).mean()
    return naming + policy + foresight


@mistake(
    "hybrid_loss",
    "The baselines' squared errors are summed over the glimpses. Take the mean of all.",
)
def errors_summed_over_glimpses(reinforce, logits, labels, log_probs, baselines):
    T = logits.shape[1]
    naming = F.cross_entropy(logits.flatten(0, 1), labels.repeat_interleave(T))
    reward = (logits[:, -1].argmax(dim=-1) == labels).to(logits.dtype)
    policy = reinforce(log_probs, reward, baselines)
    foresight = ((reward.unsqueeze(1) - baselines) ** 2).sum(1).mean()
    return naming + policy + foresight


@alternative("hybrid_loss")
def glimpse_after_glimpse(reinforce, logits, labels, log_probs, baselines):
    T = logits.shape[1]
    naming = sum(F.cross_entropy(logits[:, t], labels) for t in range(T)) / T
    right = (logits[:, T - 1].max(-1).indices == labels).to(baselines.dtype)
    foresight = sum(((right - baselines[:, t]) ** 2).mean() for t in range(T - 1)) / (T - 1)
    return naming + reinforce(log_probs, right, baselines) + foresight


@alternative("hybrid_loss")
def classes_as_channels(reinforce, logits, labels, log_probs, baselines):
    B, T, _C = logits.shape
    naming = F.cross_entropy(logits.transpose(1, 2), labels.unsqueeze(1).expand(B, T))
    reward = torch.where(logits[:, -1].argmax(-1) == labels, 1.0, 0.0).to(logits)
    return naming + reinforce(log_probs, reward, baselines) + F.mse_loss(baselines, reward[:, None].expand(B, T - 1))


@alternative("hybrid_loss")
def by_log_softmax(reinforce, logits, labels, log_probs, baselines):
    B, T, _ = logits.shape
    log_p = logits.log_softmax(-1)[torch.arange(B)[:, None], torch.arange(T), labels[:, None]]
    reward = (logits[:, -1].argmax(-1) - labels == 0).double().to(logits.dtype)
    return -log_p.mean() + (baselines - reward.view(B, 1)).pow(2).mean() + reinforce(log_probs, reward, baselines)


# on_target


def _pixels(places, height, width):
    return (places + 1) / 2 * torch.tensor([height, width])


def _inside(pixels, boxes):
    return ((pixels >= boxes[:, None, :2]) & (pixels < boxes[:, None, 2:])).all(-1)


@mistake(
    "on_target", "This is one number. One share for each glimpse is asked for: the mean over the pictures only, dim=0."
)
def one_number(places, boxes, height, width):
    return _inside(_pixels(places, height, width), boxes).double().mean()


@mistake("on_target", "You average over the glimpses: one share a picture. One share a *glimpse* is asked for: dim=0.")
def a_share_for_each_picture(places, boxes, height, width):
    return _inside(_pixels(places, height, width), boxes).double().mean(1)


@mistake("on_target", "Right and bottom are taken as inside. They are the first pixels *outside*: `<`, not `<=`.")
def last_edges_inside(places, boxes, height, width):
    pixels = _pixels(places, height, width)
    return ((pixels >= boxes[:, None, :2]) & (pixels <= boxes[:, None, 2:])).all(-1).double().mean(0)


@mistake("on_target", "Top and left are taken as outside. The box begins there: `>=`.")
def first_edges_outside(places, boxes, height, width):
    pixels = _pixels(places, height, width)
    return ((pixels > boxes[:, None, :2]) & (pixels < boxes[:, None, 2:])).all(-1).double().mean(0)


@mistake("on_target", "It is enough for you that *one* coordinate is inside. Both must be: `.all(dim=-1)`.")
def one_coordinate_is_enough(places, boxes, height, width):
    pixels = _pixels(places, height, width)
    return ((pixels >= boxes[:, None, :2]) & (pixels < boxes[:, None, 2:])).any(-1).double().mean(0)


@mistake("on_target", "Height and width are swapped: down counts by the height, across by the width.")
def height_and_width_swapped(places, boxes, height, width):
    return _inside(_pixels(places, width, height), boxes).double().mean(0)


@mistake(
    "on_target",
    "Boxes are top, left, bottom, right: down comes first, as in places. You read them as left, top, right, bottom.",
)
def boxes_read_across_first(places, boxes, height, width):
    return _inside(_pixels(places, height, width), boxes[:, [1, 0, 3, 2]]).double().mean(0)


@mistake("on_target", "You compare places from −1 to 1 with boxes in pixels. Turn the places into pixels first.")
def places_not_turned(places, boxes, height, width):
    return _inside(places, boxes).double().mean(0)


@mistake("on_target", "You treat places as running from 0 to 1: (l + 1) / 2 first.")
def places_from_0_to_1(places, boxes, height, width):
    return _inside(places * torch.tensor([height, width]), boxes).double().mean(0)


@mistake(
    "on_target",
    "The pixels are rounded before they are compared: half a pixel outside counts as inside then. Compare as they are.",
)
def pixels_rounded(places, boxes, height, width):
    return _inside(_pixels(places, height, width).round(), boxes).double().mean(0)


@mistake("on_target", "These are counts. Divide by the number of pictures.")
def counted(places, boxes, height, width):
    return _inside(_pixels(places, height, width), boxes).double().sum(0)


@mistake(
    "on_target",
    "Your place 1 is the last pixel, (l + 1) / 2 · (height − 1). It is the picture's edge: times height, and width.",
)
def edges_as_last_pixels(places, boxes, height, width):
    return _inside((places + 1) / 2 * torch.tensor([height - 1, width - 1]), boxes).double().mean(0)


@mistake(
    "on_target",
    "The box is read as top, left, height, width. It is top, left, *bottom*, *right*: don't add them up.",
)
def box_as_sides(places, boxes, height, width):
    pixels = (places + 1) / 2 * torch.tensor([height, width])
    first, last = boxes[:, None, :2], boxes[:, None, :2] + boxes[:, None, 2:]
    return ((pixels >= first) & (pixels < last)).all(-1).float().mean(0)


@mistake("on_target", "The half is missing: (l + 1) · height runs over two pictures. It is (l + 1) / 2 · height.")
def places_twice_as_far(places, boxes, height, width):
    return _inside((places + 1) * torch.tensor([height, width]), boxes).double().mean(0)


@mistake("on_target", "These are the shares that *miss* the box. Take those that lie on it.")
def misses(places, boxes, height, width):
    return 1 - _inside((places + 1) / 2 * torch.tensor([height, width]), boxes).double().mean(0)


@mistake(
    "on_target",
    "The box's size isn't used: you ask how near its middle is, within a fixed number of pixels. Compare with all four "
    "edges.",
)
def near_the_middle(places, boxes, height, width):
    middles = (boxes[:, None, :2] + boxes[:, None, 2:]) / 2
    return ((_pixels(places, height, width) - middles).abs() < 8).all(-1).double().mean(0)


@mistake(
    "on_target",
    "Down and across of the places are swapped: `places` is (down, across), as the boxes are.",
)
def places_across_first(places, boxes, height, width):
    p = (places.flip(-1) + 1) / 2 * torch.tensor([height, width])
    inside = (p >= boxes[:, None, :2]) & (p < boxes[:, None, 2:])
    return inside.all(-1).double().mean(0)


@alternative("on_target")
def with_four_comparisons(places, boxes, height, width):
    y, x = (places[..., 0] + 1) / 2 * height, (places[..., 1] + 1) / 2 * width
    top, left, bottom, right = boxes.unsqueeze(1).unbind(-1)
    hits = (top <= y) & (y < bottom) & (left <= x) & (x < right)
    return hits.double().mean(0)


@alternative("on_target")
def by_loops(places, boxes, height, width):
    shares = []
    for t in range(places.shape[1]):
        hits = 0
        for (down, across), (top, left, bottom, right) in zip(places[:, t].tolist(), boxes.tolist(), strict=True):
            hits += top <= (down + 1) / 2 * height < bottom and left <= (across + 1) / 2 * width < right
        shares.append(hits / len(places))
    return torch.tensor(shares)


@alternative("on_target")
def boxes_turned_into_places(places, boxes, height, width):
    size = torch.tensor([height, width, height, width], dtype=places.dtype)
    top_left, bottom_right = (2 * boxes / size - 1).unsqueeze(1).split(2, dim=-1)
    return torch.logical_and(places >= top_left, places < bottom_right).prod(-1).double().mean(0)


equivalent("glimpse_sensor", "0 -> -1 (no. 4)", "a row outside is multiplied by 0, whatever was copied for it")
equivalent("glimpse_sensor", "0 -> -1 (no. 5)", "a column outside is multiplied by 0, whatever was copied for it")
equivalent(
    "mean_gradient", "drop .detach(…) in logits.detach()", "the caller's logits come from nowhere: nothing is cut off"
)
for _axis in ("0 -> -1", "0 -> -1 (no. 2)"):
    equivalent("mean_gradient", _axis, "there is one axis, and one gradient: first and last")
equivalent("location_log_prob", "places.detach() - means -> means - places.detach()", "the difference is squared")
equivalent(
    "hybrid_loss", "reward.unsqueeze(1) - baselines -> baselines - reward.unsqueeze(1)", "the difference is squared"
)
