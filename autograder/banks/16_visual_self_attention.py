"""Known answers to lesson 16: wrong ones with the sentence that helps, and right ones written otherwise."""

import math

import torch
from torch.nn import functional as F

from autograder.authoring.bank import alternative, equivalent, mistake
from lessonkit.models.attention import masked_softmax

# attention_block


def _parts(x, W_f, W_g, W_h):
    places = x.flatten(2).mT
    return places @ W_f.T, places @ W_g.T, places @ W_h.T


def _finish(x, weights, h, W_v, gamma):
    return x + gamma * (weights @ h @ W_v.T).mT.reshape(x.shape), weights


@mistake(
    "attention_block",
    "f and g have changed roles: g(x_j) asks and f(x_i) is asked, so row j of the scores is g_j · f_i, `g @ f.mT`.",
)
def roles_swapped(x, W_f, W_g, W_h, W_v, gamma, mask):
    f, g, h = _parts(x, W_f, W_g, W_h)
    return _finish(x, masked_softmax(f @ g.mT, mask), h, W_v, gamma)


@mistake(
    "attention_block",
    "The scores are divided by √C̄, as in lesson 07. This block has no scale: take g · f as it is.",
)
def scaled(x, W_f, W_g, W_h, W_v, gamma, mask):
    f, g, h = _parts(x, W_f, W_g, W_h)
    return _finish(x, masked_softmax(g @ f.mT / math.sqrt(f.shape[-1]), mask), h, W_v, gamma)


@mistake(
    "attention_block",
    "The weights sum to 1 over those who ask. Each row is one place that asks: softmax over the last axis.",
)
def softmax_over_askers(x, W_f, W_g, W_h, W_v, gamma, mask):
    f, g, h = _parts(x, W_f, W_g, W_h)
    return _finish(x, masked_softmax(g @ f.mT, mask, dim=1), h, W_v, gamma)


@mistake("attention_block", "The map itself is missing: the block *adds* γ o to x.")
def without_residual(x, W_f, W_g, W_h, W_v, gamma, mask):
    f, g, h = _parts(x, W_f, W_g, W_h)
    y, weights = _finish(x, masked_softmax(g @ f.mT, mask), h, W_v, gamma)
    return y - x, weights


@mistake("attention_block", "γ is missing: y = x + γ o.")
def without_gamma(x, W_f, W_g, W_h, W_v, gamma, mask):
    f, g, h = _parts(x, W_f, W_g, W_h)
    return _finish(x, masked_softmax(g @ f.mT, mask), h, W_v, 1.0)


@mistake("attention_block", "γ multiplies the map, too. Only o is weighed: x + γ o, not γ (x + o).")
def gamma_on_everything(x, W_f, W_g, W_h, W_v, gamma, mask):
    f, g, h = _parts(x, W_f, W_g, W_h)
    y, weights = _finish(x, masked_softmax(g @ f.mT, mask), h, W_v, 1.0)
    return gamma * y, weights


@mistake("attention_block", "The mask isn't used: places where it is False must get no weight.")
def mask_ignored(x, W_f, W_g, W_h, W_v, gamma, mask):
    f, g, h = _parts(x, W_f, W_g, W_h)
    return _finish(x, torch.softmax(g @ f.mT, dim=-1), h, W_v, gamma)


@mistake("attention_block", "The mask is upside down: True means that a place may be asked.")
def mask_inverted(x, W_f, W_g, W_h, W_v, gamma, mask):
    f, g, h = _parts(x, W_f, W_g, W_h)
    return _finish(x, masked_softmax(g @ f.mT, ~mask), h, W_v, gamma)


@mistake(
    "attention_block",
    "The mask comes after the softmax, so the rows no longer sum to 1. Give it to `masked_softmax` with the scores.",
)
def mask_after_softmax(x, W_f, W_g, W_h, W_v, gamma, mask):
    f, g, h = _parts(x, W_f, W_g, W_h)
    return _finish(x, torch.softmax(g @ f.mT, dim=-1) * mask, h, W_v, gamma)


@mistake(
    "attention_block",
    "On the way in, a `reshape` to (B, N, C) mixes features and places: flatten to (B, C, N), then swap the axes.",
)
def reshaped_in(x, W_f, W_g, W_h, W_v, gamma, mask):
    places = x.reshape(x.shape[0], -1, x.shape[1])
    f, g, h = places @ W_f.T, places @ W_g.T, places @ W_h.T
    return _finish(x, masked_softmax(g @ f.mT, mask), h, W_v, gamma)


@mistake(
    "attention_block",
    "On the way back, o is (B, N, C): swap its last two axes *before* you give it the shape of the map.",
)
def reshaped_out(x, W_f, W_g, W_h, W_v, gamma, mask):
    f, g, h = _parts(x, W_f, W_g, W_h)
    weights = masked_softmax(g @ f.mT, mask)
    return x + gamma * (weights @ h @ W_v.T).reshape(x.shape), weights


@mistake("attention_block", "The places answer with their keys f. What a place tells is h(x_i).")
def keys_averaged(x, W_f, W_g, W_h, W_v, gamma, mask):
    f, g, _ = _parts(x, W_f, W_g, W_h)
    return _finish(x, masked_softmax(g @ f.mT, mask), f, W_v, gamma)


@mistake(
    "attention_block",
    "The weights are turned: row j must be the place that asks, and its numbers must sum to 1.",
)
def weights_turned(x, W_f, W_g, W_h, W_v, gamma, mask):
    f, g, h = _parts(x, W_f, W_g, W_h)
    y, weights = _finish(x, masked_softmax(g @ f.mT, mask), h, W_v, gamma)
    return y, weights.mT


@alternative("attention_block")
def with_convolutions(x, W_f, W_g, W_h, W_v, gamma, mask):
    f, g, h = (F.conv2d(x, W[:, :, None, None]).flatten(2) for W in (W_f, W_g, W_h))
    weights = masked_softmax(g.mT @ f, mask)
    o = (h @ weights.mT).unflatten(2, x.shape[2:])
    return x + gamma * F.conv2d(o, W_v[:, :, None, None]), weights


@alternative("attention_block")
def with_einsum(x, W_f, W_g, W_h, W_v, gamma, mask):
    places = x.flatten(2)
    f, g, h = (torch.einsum("nc,bcp->bpn", W, places) for W in (W_f, W_g, W_h))
    scores = torch.einsum("bjn,bin->bji", g, f).masked_fill(~mask, -torch.inf)
    weights = torch.softmax(scores, -1)
    return x + gamma * torch.einsum("cn,bjn->bcj", W_v, weights @ h).view_as(x), weights


@alternative("attention_block")
def one_picture_at_a_time(x, W_f, W_g, W_h, W_v, gamma, mask):
    ys, maps = [], []
    for picture in x:
        columns = picture.reshape(picture.shape[0], -1)
        scores = (W_g @ columns).T @ (W_f @ columns)
        weights = masked_softmax(scores, mask)
        ys.append(picture + gamma * (W_v @ (W_h @ columns) @ weights.T).reshape(picture.shape))
        maps.append(weights)
    return torch.stack(ys), torch.stack(maps)


@alternative("attention_block")
def as_columns(x, W_f, W_g, W_h, W_v, gamma, mask):
    columns = x.flatten(2)
    scores = (W_f @ columns).mT @ (W_g @ columns)  # [i, j]
    weights = masked_softmax(scores, mask.T, dim=1)
    return x + gamma * (W_v @ (W_h @ columns @ weights)).view_as(x), weights.mT


# mended_block


def _columns(x, W_f, W_g, W_h):
    columns = x.flatten(2)
    return W_f @ columns, W_g @ columns, W_h @ columns


@mistake(
    "mended_block",
    "That is the colleague's code as it was. Look at the sums of `weights`: those of place j, who asks, must be 1.",
)
def as_it_was(x, W_f, W_g, W_h, W_v, gamma):
    f, g, h = _columns(x, W_f, W_g, W_h)
    weights = torch.softmax(f.mT @ g, dim=-1)
    return x + gamma * (W_v @ (h @ weights)).reshape(x.shape), weights


@mistake("mended_block", "You normalise over the pictures of the batch. i, who is asked, stands on axis 1.")
def over_the_batch(x, W_f, W_g, W_h, W_v, gamma):
    f, g, h = _columns(x, W_f, W_g, W_h)
    weights = torch.softmax(f.mT @ g, dim=0)
    return x + gamma * (W_v @ (h @ weights)).reshape(x.shape), weights


@mistake(
    "mended_block",
    "The weights are right, but turned to rows. Keep the convention: [i, j] is what j, who asks, takes from i.",
)
def turned_to_rows(x, W_f, W_g, W_h, W_v, gamma):
    f, g, h = _columns(x, W_f, W_g, W_h)
    weights = torch.softmax(f.mT @ g, dim=1)
    return x + gamma * (W_v @ (h @ weights)).reshape(x.shape), weights.mT


@mistake(
    "mended_block",
    "The softmax is still over the askers, and the average is turned to fit it: now f asks. Mend the softmax.",
)
def average_turned(x, W_f, W_g, W_h, W_v, gamma):
    f, g, h = _columns(x, W_f, W_g, W_h)
    weights = torch.softmax(f.mT @ g, dim=-1)
    return x + gamma * (W_v @ (h @ weights.mT)).reshape(x.shape), weights


@mistake("mended_block", "f and g are swapped in the scores. They were right: s_ij = f(x_i) · g(x_j), `f.mT @ g`.")
def scores_turned(x, W_f, W_g, W_h, W_v, gamma):
    f, g, h = _columns(x, W_f, W_g, W_h)
    weights = torch.softmax(g.mT @ f, dim=1)
    return x + gamma * (W_v @ (h @ weights)).reshape(x.shape), weights


@mistake(
    "mended_block",
    "You softmax over both axes at once: all N² weights sum to 1. Each place that asks shares out its own 1.",
)
def over_everything(x, W_f, W_g, W_h, W_v, gamma):
    f, g, h = _columns(x, W_f, W_g, W_h)
    scores = f.mT @ g
    weights = torch.softmax(scores.flatten(1), dim=1).view_as(scores)
    return x + gamma * (W_v @ (h @ weights)).reshape(x.shape), weights


@mistake("mended_block", "You put a scale in, which wasn't the mistake: this block has none.")
def scale_added(x, W_f, W_g, W_h, W_v, gamma):
    f, g, h = _columns(x, W_f, W_g, W_h)
    weights = torch.softmax(f.mT @ g / math.sqrt(f.shape[1]), dim=1)
    return x + gamma * (W_v @ (h @ weights)).reshape(x.shape), weights


@alternative("mended_block")
def with_minus_two(x, W_f, W_g, W_h, W_v, gamma):
    f, g, h = _columns(x, W_f, W_g, W_h)
    weights = (f.mT @ g).softmax(-2)
    return x + gamma * (W_v @ h @ weights).view_as(x), weights


@alternative("mended_block")
def in_rows_and_back(x, W_f, W_g, W_h, W_v, gamma):
    f, g, h = _parts(x, W_f, W_g, W_h)
    rows = torch.softmax(g @ f.mT, dim=-1)
    return x + gamma * (rows @ h @ W_v.T).mT.reshape(x.shape), rows.mT


@alternative("mended_block")
def exponentials_by_hand(x, W_f, W_g, W_h, W_v, gamma):
    f, g, h = _columns(x, W_f, W_g, W_h)
    scores = f.mT @ g
    powers = torch.exp(scores - scores.amax(1, keepdim=True))
    weights = powers / powers.sum(1, keepdim=True)
    return x + gamma * torch.einsum("cn,bni,bij->bcj", W_v, h, weights).reshape(x.shape), weights


@alternative("mended_block")
def with_a_mask_of_ones(x, W_f, W_g, W_h, W_v, gamma):
    f, g, h = _columns(x, W_f, W_g, W_h)
    weights = masked_softmax(f.mT @ g, torch.ones((), dtype=torch.bool), dim=1)
    return x + gamma * (W_v @ (h @ weights)).unflatten(2, x.shape[2:]), weights


# far_pairs


def _distances(asks, match, width):
    return (asks // width - match // width).abs(), (asks % width - match % width).abs()


def _shares(weights, asks, match, far):
    pictures = torch.arange(len(weights))
    rows = weights[pictures, asks]
    top = (rows.argmax(-1) == match).to(weights.dtype)
    return rows[pictures, match][far].mean().item(), top[far].mean().item()


@mistake(
    "far_pairs",
    "Distances are differences of cell numbers. But the next row begins a whole width further: take rows and columns.",
)
def numbers_as_places(weights, asks, match, width, least):
    return _shares(weights, asks, match, (asks - match).abs() >= least)


@mistake("far_pairs", "You add the way down and the way across. The *longer* of the two counts.")
def ways_added(weights, asks, match, width, least):
    down, across = _distances(asks, match, width)
    return _shares(weights, asks, match, down + across >= least)


@mistake("far_pairs", "You ask that *both* ways are long. The longer of them counts: take the maximum.")
def shorter_way(weights, asks, match, width, least):
    down, across = _distances(asks, match, width)
    return _shares(weights, asks, match, torch.minimum(down, across) >= least)


@mistake("far_pairs", "Pairs exactly `least` apart are left out: at least means ≥.")
def more_than_least(weights, asks, match, width, least):
    down, across = _distances(asks, match, width)
    return _shares(weights, asks, match, torch.maximum(down, across) > least)


@mistake("far_pairs", "The distance is not used: near pairs are counted, too.")
def all_pairs(weights, asks, match, width, least):
    return _shares(weights, asks, match, torch.ones_like(asks, dtype=torch.bool))


@mistake(
    "far_pairs",
    "The row of the *match* is read: what the match gives to the one who asks. Take row `asks`, column `match`.",
)
def from_the_match(weights, asks, match, width, least):
    down, across = _distances(asks, match, width)
    return _shares(weights, match, asks, torch.maximum(down, across) >= least)


@mistake(
    "far_pairs",
    "You add up, and divide by all pictures. The mean is over those pictures whose pair is far enough apart.",
)
def mean_over_all(weights, asks, match, width, least):
    down, across = _distances(asks, match, width)
    far = (torch.maximum(down, across) >= least).to(weights.dtype)
    pictures = torch.arange(len(weights))
    rows = weights[pictures, asks]
    top = (rows.argmax(-1) == match).to(weights.dtype)
    return (rows[pictures, match] * far).mean().item(), (top * far).mean().item()


@mistake("far_pairs", "Only signed distances: a match above or to the left counts as near. Take absolute values.")
def signed(weights, asks, match, width, least):
    down, across = asks // width - match // width, asks % width - match % width
    return _shares(weights, asks, match, torch.maximum(down, across) >= least)


@mistake("far_pairs", "The two results are in the wrong order: first the weight, then the share.")
def other_order(weights, asks, match, width, least):
    down, across = _distances(asks, match, width)
    return _shares(weights, asks, match, torch.maximum(down, across) >= least)[::-1]


@alternative("far_pairs")
def with_a_loop(weights, asks, match, width, least):
    mass, top = [], []
    for row, j, i in zip(weights, asks.tolist(), match.tolist(), strict=True):
        if max(abs(j // width - i // width), abs(j % width - i % width)) >= least:
            mass.append(row[j, i].item())
            top.append(float(row[j].argmax().item() == i))
    return (sum(mass) / len(mass), sum(top) / len(top)) if mass else (math.nan, math.nan)


@alternative("far_pairs")
def with_gather_and_divmod(weights, asks, match, width, least):
    rows = weights.gather(1, asks.view(-1, 1, 1).expand(-1, 1, weights.shape[2])).squeeze(1)
    places = [torch.stack([cells.div(width, rounding_mode="floor"), cells.remainder(width)]) for cells in (asks, match)]
    far = (places[0] - places[1]).abs().amax(0) >= least
    on_match = rows.gather(1, match.unsqueeze(1)).squeeze(1)
    return float(on_match[far].mean()), float((rows.argmax(1) == match)[far].double().mean())


@alternative("far_pairs")
def far_first(weights, asks, match, width, least):
    down, across = _distances(asks, match, width)
    keep = ((down >= least) | (across >= least)).nonzero().squeeze(1)
    rows = weights[keep, asks[keep]]
    weight = rows[torch.arange(len(keep)), match[keep]]
    return weight.mean().item(), (rows.max(dim=-1).indices == match[keep]).float().mean().item()


# patchify


@mistake(
    "patchify",
    "A `reshape` alone cuts the picture into stripes, not squares: bring the two axes of a patch together first.",
)
def reshaped_only(pictures, P):
    return pictures.reshape(len(pictures), -1, pictures.shape[1] * P * P)


@mistake("patchify", "The pixels of a patch come by row, column, channel. The order asked for is channel, row, column.")
def channels_last(pictures, P):
    cut = pictures.unflatten(3, (-1, P)).unflatten(2, (-1, P))
    return cut.permute(0, 2, 4, 3, 5, 1).flatten(3).flatten(1, 2)


@mistake("patchify", "The patches come column by column. Go row by row: left to right, then down.")
def column_by_column(pictures, P):
    cut = pictures.unflatten(3, (-1, P)).unflatten(2, (-1, P))
    return cut.permute(0, 4, 2, 1, 3, 5).flatten(3).flatten(1, 2)


@mistake("patchify", "Rows and columns *inside* each patch are swapped.")
def patches_turned(pictures, P):
    cut = pictures.unflatten(3, (-1, P)).unflatten(2, (-1, P))
    return cut.permute(0, 2, 4, 1, 5, 3).flatten(3).flatten(1, 2)


@mistake("patchify", "Words and pixels have changed places: (B, number of patches, pixels of a patch) is asked for.")
def words_last(pictures, P):
    return F.unfold(pictures, P, stride=P)


@mistake("patchify", "Your patches overlap: the next one begins where the last one ends, P pixels further.")
def overlapping(pictures, P):
    return F.unfold(pictures, P).mT


@mistake(
    "patchify",
    "You take pixels far apart: that is a coarse picture, not a patch. Split the rows into (patch, row in it).",
)
def combed(pictures, P):
    cut = pictures.unflatten(3, (P, -1)).unflatten(2, (P, -1))
    return cut.permute(0, 3, 5, 1, 2, 4).flatten(3).flatten(1, 2)


@mistake("patchify", "The channels are averaged away. A patch keeps them: c·P·P numbers.")
def grey(pictures, P):
    return F.unfold(pictures.mean(1, keepdim=True), P, stride=P).mT


@alternative("patchify")
def with_unfold(pictures, P):
    return F.unfold(pictures, kernel_size=P, stride=P).transpose(1, 2)


@alternative("patchify")
def as_the_loop(pictures, P):
    rows, columns = pictures.shape[2] // P, pictures.shape[3] // P
    cut = [
        pictures[:, :, y * P : (y + 1) * P, x * P : (x + 1) * P].flatten(1) for y in range(rows) for x in range(columns)
    ]
    return torch.stack(cut, dim=1)


@alternative("patchify")
def with_tensor_unfold(pictures, P):
    cut = pictures.unfold(2, P, P).unfold(3, P, P)  # (B, c, y, x, row, column)
    return cut.permute(0, 2, 3, 1, 4, 5).reshape(len(pictures), -1, pictures.shape[1] * P * P)


@alternative("patchify")
def with_chunks(pictures, P):
    rows = pictures.split(P, dim=2)
    return torch.stack([patch.reshape(len(pictures), -1) for row in rows for patch in row.split(P, dim=3)], dim=1)


# class_token_and_positions


@mistake(
    "class_token_and_positions", "The class token stands last. It comes first: place 0 is where the answer is read."
)
def token_last(patches, cls, rows, columns):
    places = (rows.unsqueeze(1) + columns).flatten(0, 1)
    return torch.cat([patches + places, cls.expand(len(patches), 1, -1)], dim=1)


@mistake(
    "class_token_and_positions",
    "Rows and columns are swapped in the flattening: patches come row by row, so the *row* changes slowly.",
)
def places_by_column(patches, cls, rows, columns):
    places = (columns.unsqueeze(1) + rows).flatten(0, 1)
    return torch.cat([cls.expand(len(patches), 1, -1), patches + places], dim=1)


@mistake(
    "class_token_and_positions", "The vectors of the columns are missing: a patch gets its row's and its column's."
)
def rows_only(patches, cls, rows, columns):
    places = rows.repeat_interleave(len(columns), dim=0)
    return torch.cat([cls.expand(len(patches), 1, -1), patches + places], dim=1)


@mistake("class_token_and_positions", "The vectors of the rows are missing: a patch gets its row's and its column's.")
def columns_only(patches, cls, rows, columns):
    places = columns.repeat(len(rows), 1)
    return torch.cat([cls.expand(len(patches), 1, -1), patches + places], dim=1)


@mistake("class_token_and_positions", "The positions are missing: without them the patches are a bag.")
def without_positions(patches, cls, rows, columns):
    return torch.cat([cls.expand(len(patches), 1, -1), patches], dim=1)


@mistake("class_token_and_positions", "The class token is missing.")
def without_token(patches, cls, rows, columns):
    return patches + (rows.unsqueeze(1) + columns).flatten(0, 1)


@mistake("class_token_and_positions", "The class token gets a position, too. It lies nowhere: leave it as it is.")
def token_with_position(patches, cls, rows, columns):
    places = (rows.unsqueeze(1) + columns).flatten(0, 1)
    return torch.cat([(cls + places[0]).expand(len(patches), 1, -1), patches + places], dim=1)


@mistake("class_token_and_positions", "Row and column are multiplied. Add them.")
def multiplied(patches, cls, rows, columns):
    places = (rows.unsqueeze(1) * columns).flatten(0, 1)
    return torch.cat([cls.expand(len(patches), 1, -1), patches + places], dim=1)


@mistake("class_token_and_positions", "The class token is added to every patch. Put it in front, as a word of its own.")
def token_added(patches, cls, rows, columns):
    return patches + (rows.unsqueeze(1) + columns).flatten(0, 1) + cls


@alternative("class_token_and_positions")
def with_repeats(patches, cls, rows, columns):
    places = rows.repeat_interleave(len(columns), dim=0) + columns.repeat(len(rows), 1)
    return torch.cat([cls.repeat(len(patches), 1, 1), patches + places], dim=1)


@alternative("class_token_and_positions")
def on_the_grid(patches, cls, rows, columns):
    grid = patches.unflatten(1, (len(rows), len(columns))) + rows[:, None] + columns[None]
    return torch.cat([cls.view(1, 1, -1).expand(len(patches), -1, -1), grid.flatten(1, 2)], dim=1)


@alternative("class_token_and_positions")
def place_by_place(patches, cls, rows, columns):
    words = [cls.expand(len(patches), -1)]
    for i in range(patches.shape[1]):
        words.append(patches[:, i] + rows[i // len(columns)] + columns[i % len(columns)])
    return torch.stack(words, dim=1)


@alternative("class_token_and_positions")
def with_indices(patches, cls, rows, columns):
    places = torch.cartesian_prod(torch.arange(len(rows)), torch.arange(len(columns)))
    words = patches + rows[places[:, 0]] + columns[places[:, 1]]
    return torch.cat((torch.stack([cls] * len(patches)).unsqueeze(1), words), 1)


# attention_rollout


def _half(weights):
    return (weights.mean(2) + torch.eye(weights.shape[-1])) / 2


@mistake(
    "attention_rollout",
    "The layers are multiplied in the wrong order: the last layer stands on the *left*, the first one on the right.",
)
def first_layer_left(weights):
    layers = _half(weights)
    rolled = layers[0]
    for layer in layers[1:]:
        rolled = rolled @ layer
    return rolled


@mistake(
    "attention_rollout", "The residual path is missing: half of a word's new vector is the word itself, ½ A + ½ I."
)
def without_identity(weights):
    rolled = weights.mean(2)[0]
    for layer in weights.mean(2)[1:]:
        rolled = layer @ rolled
    return rolled


@mistake("attention_rollout", "The rows sum to more than 1: halve the sum of A and I.")
def not_halved(weights):
    layers = weights.mean(2) + torch.eye(weights.shape[-1])
    rolled = layers[0]
    for layer in layers[1:]:
        rolled = layer @ rolled
    return rolled


@mistake("attention_rollout", "That is the last layer alone. Roll out: multiply it with all layers before it.")
def last_layer_only(weights):
    return _half(weights)[-1]


@mistake("attention_rollout", "The layers are averaged. They follow one another: multiply them.")
def layers_averaged(weights):
    return _half(weights).mean(0)


@mistake("attention_rollout", "The layers are multiplied number by number. Take matrix products, `@`.")
def number_by_number(weights):
    return _half(weights).prod(0)


@mistake("attention_rollout", "Only the first head is followed. Take the mean over the heads.")
def first_head(weights):
    layers = (weights[:, :, 0] + torch.eye(weights.shape[-1])) / 2
    rolled = layers[0]
    for layer in layers[1:]:
        rolled = layer @ rolled
    return rolled


@mistake("attention_rollout", "The heads are added up, not averaged, so the rows sum to more than 1.")
def heads_added(weights):
    layers = (weights.sum(2) + torch.eye(weights.shape[-1])) / 2
    rolled = layers[0]
    for layer in layers[1:]:
        rolled = layer @ rolled
    return rolled


@mistake(
    "attention_rollout", "The first layer is counted twice: start from it and go on with the second, or start from I."
)
def first_layer_twice(weights):
    layers = _half(weights)
    rolled = layers[0]
    for layer in layers:
        rolled = layer @ rolled
    return rolled


@alternative("attention_rollout")
def from_the_identity(weights):
    rolled = torch.eye(weights.shape[-1]).expand(weights.shape[1], -1, -1)
    for layer in weights:
        rolled = (0.5 * layer.mean(1) + 0.5 * torch.eye(weights.shape[-1])) @ rolled
    return rolled


@alternative("attention_rollout")
def with_multi_dot(weights):
    layers = _half(weights).flip(0)
    if len(layers) == 1:
        return layers[0]
    return torch.stack([torch.linalg.multi_dot(list(layers[:, b])) for b in range(weights.shape[1])])


@alternative("attention_rollout")
def residual_written_out(weights):
    rolled = torch.eye(weights.shape[-1]).repeat(weights.shape[1], 1, 1)
    for layer in weights.mean(dim=2):
        rolled = 0.5 * rolled + 0.5 * (layer @ rolled)
    return rolled


@alternative("attention_rollout")
def with_einsum_of_layers(weights):
    rolled = None
    for layer in _half(weights):
        rolled = layer if rolled is None else torch.einsum("bij,bjk->bik", layer, rolled)
    return rolled


for way in (
    "asks // width - match // width -> match // width - asks // width",
    "asks % width - match % width -> match % width - asks % width",
):
    equivalent("far_pairs", way, "The absolute value follows.")
equivalent("attention_rollout", "1 -> 2", "`shape[-2]` for `shape[-1]`: the maps are square.")
