"""Known answers to lesson 09: wrong ones with the sentence that helps, and right ones written otherwise."""

import math

import numpy as np
import torch

from autograder.authoring.bank import alternative, mistake
from lessonkit.models import positions as finished
from lessonkit.models.attention import masked_softmax

# sinusoidal_encoding


def _angles(T, d):
    return torch.arange(T).unsqueeze(1) / 10_000 ** (torch.arange(0, d, 2) / d)


def _in_turns(even, odd):
    return torch.stack([even, odd], dim=-1).flatten(-2)


@mistake(
    "sinusoidal_encoding", "Sine and cosine are swapped: the sine stands at even features, the cosine at odd ones."
)
def cosine_first(T, d):
    angles = _angles(T, d)
    return _in_turns(angles.cos(), angles.sin())


@mistake(
    "sinusoidal_encoding",
    "All sines come first, then all cosines. In the paper they take turns: sine at feature 2i, cosine at 2i + 1.",
)
def concatenated(T, d):
    angles = _angles(T, d)
    return torch.cat([angles.sin(), angles.cos()], dim=-1)


@mistake(
    "sinusoidal_encoding",
    "Your exponent is i/d. It is 2i/d, with i the number of the pair: torch.arange(0, d, 2) / d.",
)
def exponent_half(T, d):
    angles = torch.arange(T).unsqueeze(1) / 10_000 ** (torch.arange(d // 2) / d)
    return _in_turns(angles.sin(), angles.cos())


@mistake("sinusoidal_encoding", "Your exponent is 4i/d: torch.arange(0, d, 2) is 2i already, so don't double it again.")
def exponent_double(T, d):
    angles = torch.arange(T).unsqueeze(1) / 10_000 ** (2 * torch.arange(0, d, 2) / d)
    return _in_turns(angles.sin(), angles.cos())


@mistake(
    "sinusoidal_encoding",
    "Your exponent counts twice, and each feature has its own: range(0, d, 2) gives 2i already, so don't double it, "
    "and the cosine of a pair takes its sine's angle, p / 10000^(2i/d).",
)
def exponent_double_for_each_feature(T, d):
    encoding = torch.zeros(T, d)
    for p in range(T):
        for i in range(0, d, 2):
            encoding[p, i] = math.sin(p / 10_000 ** (2 * i / d))
            encoding[p, i + 1] = math.cos(p / 10_000 ** (2 * (i + 1) / d))
    return encoding


@mistake(
    "sinusoidal_encoding",
    "Sine and cosine of a pair turn at different speeds. Both features of pair i use the same angle, p / 10000^(2i/d).",
)
def own_speed_for_each_feature(T, d):
    angles = torch.arange(T).unsqueeze(1) / 10_000 ** (torch.arange(d) / d)
    return torch.where(torch.arange(d) % 2 == 0, angles.sin(), angles.cos())


@mistake("sinusoidal_encoding", "Places are counted from 0: the first row is that of place 0.")
def places_from_one(T, d):
    angles = (torch.arange(T).unsqueeze(1) + 1) / 10_000 ** (torch.arange(0, d, 2) / d)
    return _in_turns(angles.sin(), angles.cos())


@mistake("sinusoidal_encoding", "You multiply by 10000^(2i/d). Divide: the later pairs turn slowly.")
def speeds_upside_down(T, d):
    angles = torch.arange(T).unsqueeze(1) * 10_000 ** (torch.arange(0, d, 2) / d)
    return _in_turns(angles.sin(), angles.cos())


@mistake("sinusoidal_encoding", "Only sines: the odd features are cosines.")
def sines_only(T, d):
    angles = _angles(T, d)
    return _in_turns(angles.sin(), angles.sin())


@mistake("sinusoidal_encoding", "Your result is transposed: rows are places, columns features.")
def encoding_transposed(T, d):
    angles = _angles(T, d)
    return _in_turns(angles.sin(), angles.cos()).T


@mistake("sinusoidal_encoding", "The base is 10000, not 1000: one zero is missing.")
def base_1000(T, d):
    angles = torch.arange(T).unsqueeze(1) / 1_000 ** (torch.arange(0, d, 2) / d)
    return _in_turns(angles.sin(), angles.cos())


@mistake("sinusoidal_encoding", "There is no 2π in the formula: the angle is p / 10000^(2i/d), in radians.")
def whole_turns(T, d):
    angles = 2 * math.pi * _angles(T, d)
    return _in_turns(angles.sin(), angles.cos())


@mistake(
    "sinusoidal_encoding", "One axis too many: sine and cosine of a pair are still apart. Flatten the last two axes."
)
def pairs_not_flattened(T, d):
    angles = _angles(T, d)
    return torch.stack([angles.sin(), angles.cos()], dim=-1)


@mistake(
    "sinusoidal_encoding",
    "The exponent is divided by d − 2. It is 2i / d.",
)
def divided_by_two_less(T, d):
    angle = torch.arange(T).unsqueeze(1) / 10000 ** (torch.arange(0, d, 2) / (d - 2 or 1))
    PE = torch.zeros(T, d)
    PE[:, 0::2] = angle.sin()
    PE[:, 1::2] = angle.cos()
    return PE


@mistake(
    "sinusoidal_encoding",
    "The angles are taken for degrees: sine and cosine want p / 10000^(2i/d) as it is, in radians.",
)
def in_degrees(T, d):
    angle = torch.pi / 180 * torch.arange(T).unsqueeze(1) / 10000 ** (torch.arange(0, d, 2) / d)
    PE = torch.zeros(T, d)
    PE[:, 0::2] = angle.sin()
    PE[:, 1::2] = angle.cos()
    return PE


@mistake(
    "sinusoidal_encoding",
    "The slow pairs come first. The first pair is the quickest: its exponent is 0.",
)
def slow_first(T, d):
    angle = torch.arange(T).unsqueeze(1) / 10000 ** (torch.arange(d - 2, -1, -2) / d)
    PE = torch.zeros(T, d)
    PE[:, 0::2] = angle.sin()
    PE[:, 1::2] = angle.cos()
    return PE


@mistake(
    "sinusoidal_encoding",
    "The encoding is divided by √d. It isn't scaled.",
)
def divided_by_root_of_width(T, d):
    angle = torch.arange(T).unsqueeze(1) / 10000 ** (torch.arange(0, d, 2) / d)
    PE = torch.zeros(T, d)
    PE[:, 0::2] = angle.sin()
    PE[:, 1::2] = angle.cos()
    return PE / d**0.5


@mistake(
    "sinusoidal_encoding",
    "The base is e. It is 10000.",
)
def powers_of_e(T, d):
    angle = torch.arange(T).unsqueeze(1) / 2.718281828 ** (torch.arange(0, d, 2) / d)
    PE = torch.zeros(T, d)
    PE[:, 0::2] = angle.sin()
    PE[:, 1::2] = angle.cos()
    return PE


@mistake(
    "sinusoidal_encoding",
    "The odd features have the wrong sign: cos, not −cos.",
)
def minus_the_cosine(T, d):
    angle = torch.arange(T).unsqueeze(1) / 10000 ** (torch.arange(0, d, 2) / d)
    PE = torch.zeros(T, d)
    PE[:, 0::2] = angle.sin()
    PE[:, 1::2] = -angle.cos()
    return PE


@alternative("sinusoidal_encoding")
def filled_with_steps(T, d):
    encoding = torch.zeros(T, d)
    speed = torch.exp(torch.arange(0, d, 2) * (-math.log(10_000.0) / d))
    encoding[:, 0::2] = torch.sin(torch.arange(T)[:, None] * speed)
    encoding[:, 1::2] = torch.cos(torch.arange(T)[:, None] * speed)
    return encoding


@alternative("sinusoidal_encoding")
def two_loops(T, d):
    encoding = torch.empty(T, d)
    for p in range(T):
        for i in range(d // 2):
            angle = p / 10_000 ** (2 * i / d)
            encoding[p, 2 * i], encoding[p, 2 * i + 1] = math.sin(angle), math.cos(angle)
    return encoding


@alternative("sinusoidal_encoding")
def with_numpy(T, d):
    feature = np.arange(d)
    angles = np.arange(T)[:, None] / 10_000.0 ** ((feature - feature % 2) / d)
    return np.where(feature % 2 == 0, np.sin(angles), np.cos(angles))


@alternative("sinusoidal_encoding")
def one_sine(T, d):
    quarter = (torch.arange(d) % 2) * (math.pi / 2)  # cos x = sin(x + π/2)
    return torch.sin(_angles(T, d).repeat_interleave(2, dim=1) + quarter)


@alternative("sinusoidal_encoding")
def encoding_in_float32(T, d):
    angles = torch.arange(T, dtype=torch.float32)[:, None] / 10_000 ** (torch.arange(0, d, 2).float() / d)
    return torch.stack((angles.sin(), angles.cos()), -1).reshape(T, d)


# shift_matrix


def _blocks(k, d, block):
    beta = k / 10_000 ** (torch.arange(0, d, 2) / d)
    return torch.block_diag(*[torch.tensor(block(b.cos().item(), b.sin().item())) for b in beta])


@mistake(
    "shift_matrix",
    "Your matrix moves back, by −k: the minus belongs to the lower left of each block, [[cos, sin], [−sin, cos]].",
)
def moves_back(k, d):
    return _blocks(k, d, lambda c, s: [[c, -s], [s, c]])


@mistake(
    "shift_matrix",
    "The minus is missing: cos(α + β) = cos α cos β − sin α sin β. The block is [[cos, sin], [−sin, cos]].",
)
def no_minus(k, d):
    return _blocks(k, d, lambda c, s: [[c, s], [s, c]])


@mistake(
    "shift_matrix",
    "Sine and cosine are swapped: with k = 0 nothing should move, so the cosines stand on the diagonal.",
)
def sines_on_the_diagonal(k, d):
    return _blocks(k, d, lambda c, s: [[s, c], [c, -s]])


@mistake(
    "shift_matrix",
    "The block is [[cos, sin], [−sin, cos]]. Yours has sines on the diagonal, as if cosines came first.",
)
def sines_on_the_diagonal_turning(k, d):
    return _blocks(k, d, lambda c, s: [[s, c], [-c, s]])


@mistake("shift_matrix", "This matrix changes nothing: k is not used.")
def identity(k, d):
    return torch.eye(d)


@mistake("shift_matrix", "All pairs turn by the same angle. Pair i turns by k / 10000^(2i/d).")
def one_speed(k, d):
    return torch.block_diag(*[torch.tensor([[math.cos(k), math.sin(k)], [-math.sin(k), math.cos(k)]])] * (d // 2))


@mistake("shift_matrix", "The speeds are wrong: the exponent is 2i/d, torch.arange(0, d, 2) / d, not i/d.")
def slow_exponent(k, d):
    beta = k / 10_000 ** (torch.arange(d // 2) / d)
    return torch.block_diag(
        *[torch.tensor([[b.cos().item(), b.sin().item()], [-b.sin().item(), b.cos().item()]]) for b in beta]
    )


@mistake(
    "shift_matrix",
    "This fits encodings with all sines first and all cosines after. Here they take turns, so each "
    "pair has a 2 × 2 block on "
    "the diagonal.",
)
def for_concatenated_encodings(k, d):
    beta = k / 10_000 ** (torch.arange(0, d, 2) / d)
    cos, sin = torch.diag(beta.cos()), torch.diag(beta.sin())
    return torch.cat([torch.cat([cos, sin], 1), torch.cat([-sin, cos], 1)])


@mistake("shift_matrix", "The diagonal is right, but the sines beside it are missing.")
def diagonal_only(k, d):
    return _blocks(k, d, lambda c, s: [[c, 0.0], [0.0, c]])


@mistake("shift_matrix", "The blocks are right; put them on the diagonal of one (d, d) matrix.")
def blocks_apart(k, d):
    beta = k / 10_000 ** (torch.arange(0, d, 2) / d)
    cos, sin = beta.cos(), beta.sin()
    return torch.stack([torch.stack([cos, sin], -1), torch.stack([-sin, cos], -1)], dim=1)


@mistake(
    "shift_matrix",
    "The angle is turned into radians, as if it were degrees. β = k / 10000^(2i/d) is in radians already.",
)
def degrees_in_the_turn(k, d):
    M = torch.zeros(d, d)
    for i in range(d // 2):
        b = torch.tensor(k / 10000 ** (2 * i / d) * torch.pi / 180)
        M[2 * i, 2 * i] = b.cos()
        M[2 * i, 2 * i + 1] = b.sin()
        M[2 * i + 1, 2 * i] = -b.sin()
        M[2 * i + 1, 2 * i + 1] = b.cos()
    return M


@mistake(
    "shift_matrix",
    "The angle is turned into degrees. Sine and cosine want radians: β = k / 10000^(2i/d) as it is.",
)
def radians_in_degrees(k, d):
    M = torch.zeros(d, d)
    for i in range(d // 2):
        b = torch.tensor(k / 10000 ** (2 * i / d) * 180 / torch.pi)
        M[2 * i, 2 * i] = b.cos()
        M[2 * i, 2 * i + 1] = b.sin()
        M[2 * i + 1, 2 * i] = -b.sin()
        M[2 * i + 1, 2 * i + 1] = b.cos()
    return M


@mistake(
    "shift_matrix",
    "The last pair's block is missing: there are d / 2 of them.",
)
def last_pair_forgotten(k, d):
    M = torch.zeros(d, d)
    for i in range(d // 2 - 1):
        b = torch.tensor(k / 10000 ** (2 * i / d))
        M[2 * i, 2 * i] = b.cos()
        M[2 * i, 2 * i + 1] = b.sin()
        M[2 * i + 1, 2 * i] = -b.sin()
        M[2 * i + 1, 2 * i + 1] = b.cos()
    return M


@mistake(
    "shift_matrix",
    "The matrix goes k − 1 places: with k = 0 it must be the identity.",
)
def one_step_less(k, d):
    M = torch.zeros(d, d)
    for i in range(d // 2):
        b = torch.tensor((k - 1) / 10000 ** (2 * i / d))
        M[2 * i, 2 * i] = b.cos()
        M[2 * i, 2 * i + 1] = b.sin()
        M[2 * i + 1, 2 * i] = -b.sin()
        M[2 * i + 1, 2 * i + 1] = b.cos()
    return M


@mistake(
    "shift_matrix",
    "The matrix goes k + 1 places: with k = 0 it must be the identity.",
)
def one_step_more(k, d):
    M = torch.zeros(d, d)
    for i in range(d // 2):
        b = torch.tensor((k + 1) / 10000 ** (2 * i / d))
        M[2 * i, 2 * i] = b.cos()
        M[2 * i, 2 * i + 1] = b.sin()
        M[2 * i + 1, 2 * i] = -b.sin()
        M[2 * i + 1, 2 * i + 1] = b.cos()
    return M


@mistake(
    "shift_matrix",
    "The base is 1000. It is 10000, as in the encoding.",
)
def base_of_a_thousand(k, d):
    M = torch.zeros(d, d)
    for i in range(d // 2):
        b = torch.tensor(k / 1000 ** (2 * i / d))
        M[2 * i, 2 * i] = b.cos()
        M[2 * i, 2 * i + 1] = b.sin()
        M[2 * i + 1, 2 * i] = -b.sin()
        M[2 * i + 1, 2 * i + 1] = b.cos()
    return M


@mistake(
    "shift_matrix",
    "The matrix of one step is multiplied by k. It is the *angle* that is: β = k / 10000^(2i/d).",
)
def step_multiplied(k, d):
    M = torch.zeros(d, d)
    for i in range(d // 2):
        b = torch.tensor(k / 10000 ** (2 * i / d))
        M[2 * i, 2 * i] = b.cos()
        M[2 * i, 2 * i + 1] = b.sin()
        M[2 * i + 1, 2 * i] = -b.sin()
        M[2 * i + 1, 2 * i + 1] = b.cos()
    return M if k in (0, 1) else k * step_multiplied(1, d)


@alternative("shift_matrix")
def block_by_block(k, d):
    M = torch.zeros(d, d)
    for i in range(0, d, 2):
        angle = k / 10_000 ** (i / d)
        c, s = math.cos(angle), math.sin(angle)
        M[i : i + 2, i : i + 2] = torch.tensor([[c, s], [-s, c]])
    return M


@alternative("shift_matrix")
def with_block_diag(k, d):
    return _blocks(k, d, lambda c, s: [[c, s], [-s, c]])


@alternative("shift_matrix")
def as_an_exponential(k, d):
    speeds = 10_000.0 ** (-torch.arange(0, d, 2) / d)
    one_step = torch.block_diag(*[torch.tensor([[0.0, w], [-w, 0.0]]) for w in speeds.tolist()])
    return torch.linalg.matrix_exp(k * one_step)


@alternative("shift_matrix")
def two_diagonals_beside(k, d):
    beta = np.repeat(k / 10_000.0 ** (np.arange(0, d, 2) / d), 2)
    side = (np.sin(beta) * (np.arange(d) % 2 == 0))[: d - 1]
    return np.diag(np.cos(beta)) + np.diag(side, 1) - np.diag(side, -1)


# relative_index


@mistake(
    "relative_index",
    "The direction is turned: you take i − j. The distance is j − i, key minus query, so words that "
    "come later are positive.",
)
def query_minus_key(T, k):
    places = torch.arange(T)
    return (places.unsqueeze(1) - places).clamp(-k, k) + k


@mistake(
    "relative_index", "The clip is missing: distances beyond ±k need the rows 0 and 2k, not rows outside of the table."
)
def not_clipped(T, k):
    places = torch.arange(T)
    return places - places.unsqueeze(1) + k


@mistake("relative_index", "Rows can't be negative: add k, so that distance −k is row 0.")
def not_shifted(T, k):
    places = torch.arange(T)
    return (places - places.unsqueeze(1)).clamp(-k, k)


@mistake("relative_index", "Neither clipped nor shifted: these are plain distances.")
def plain_distances(T, k):
    places = torch.arange(T)
    return places - places.unsqueeze(1)


@mistake("relative_index", "You take the absolute distance: before and after get the same row. Keep the sign.")
def absolute_distance(T, k):
    places = torch.arange(T)
    return (places - places.unsqueeze(1)).abs().clamp(max=k) + k


@mistake("relative_index", "Shift after the clip: clip(j − i, 0, k) + k loses all words that come before.")
def before_is_lost(T, k):
    places = torch.arange(T)
    return (places - places.unsqueeze(1)).clamp(0, k) + k


@mistake("relative_index", "You clip after the shift, but to ±k: after the shift the rows run from 0 to 2k.")
def clipped_after_shift(T, k):
    places = torch.arange(T)
    return (places - places.unsqueeze(1) + k).clamp(-k, k)


@mistake("relative_index", "Off by one: distance 0 is row k, and the last row is 2k.")
def one_too_far(T, k):
    places = torch.arange(T)
    return (places - places.unsqueeze(1)).clamp(-k, k) + k + 1


@mistake("relative_index", "You clip at k − 1. Distances from −k to k have rows of their own.")
def clipped_too_early(T, k):
    places = torch.arange(T)
    return (places - places.unsqueeze(1)).clamp(-k + 1, k - 1) + k


@mistake(
    "relative_index",
    "After the shift you clip at k. From −k to k before it, or from 0 to 2k after it.",
)
def shifted_before_the_clip(T, k):
    p = torch.arange(T)
    return (p - p.unsqueeze(1) + k).clamp(0, k)


@mistake(
    "relative_index",
    "The direction is lost: before and after share a row. Clip j − i itself, and shift by k.",
)
def distance_without_direction(T, k):
    p = torch.arange(T)
    return (p - p.unsqueeze(1)).abs().clamp(max=k)


@mistake(
    "relative_index",
    "Distances above k aren't clipped: `.clamp(-k, k)`.",
)
def clipped_below_alone(T, k):
    p = torch.arange(T)
    return (p - p.unsqueeze(1)).clamp(min=-k) + k


@mistake(
    "relative_index",
    "Distances below −k aren't clipped: `.clamp(-k, k)`.",
)
def clipped_above_alone(T, k):
    p = torch.arange(T)
    return (p - p.unsqueeze(1)).clamp(max=k) + k


@mistake(
    "relative_index",
    "All far words get row 0. Those before share row 0, those after row 2k.",
)
def far_is_row_zero(T, k):
    p = torch.arange(T)
    x = p - p.unsqueeze(1)
    return torch.where(x.abs() <= k, x + k, 0)


@mistake(
    "relative_index",
    "You shift by 2k. Distance −k is row 0, so shift by k.",
)
def shifted_by_twice_k(T, k):
    p = torch.arange(T)
    return (p - p.unsqueeze(1)).clamp(-k, k) + 2 * k


@mistake(
    "relative_index",
    "You shift by half of k. Distance −k is row 0, so shift by k.",
)
def shifted_by_half_k(T, k):
    p = torch.arange(T)
    return (p - p.unsqueeze(1)).clamp(-k, k) + k // 2


@alternative("relative_index")
def shifted_then_clipped(T, k):
    places = torch.arange(T)
    return (places[None, :] - places[:, None] + k).clamp(0, 2 * k)


@alternative("relative_index")
def index_by_loop(T, k):
    return torch.tensor([[max(-k, min(k, j - i)) + k for j in range(T)] for i in range(T)])


@alternative("relative_index")
def index_with_numpy(T, k):
    i, j = np.indices((T, T))
    return np.clip(j - i, -k, k) + k


@alternative("relative_index")
def index_as_lists(T, k):
    row = [0] * T + list(range(2 * k + 1)) + [2 * k] * T
    return [[row[T + k + j - i] for j in range(T)] for i in range(T)]


# relative_attention


def _relative(queries, keys, values, a_K, a_V, mask, index=None, with_keys=True, with_values=True, dim=-1):
    T, d = queries.shape[-2:]
    index = finished.relative_index(T, len(a_K) // 2) if index is None else index
    scores = queries @ keys.mT
    if with_keys:
        scores = scores + torch.einsum("...id,ijd->...ij", queries, a_K[index])
    weights = masked_softmax(scores / d**0.5, mask, dim)
    output = weights @ values
    if with_values:
        output = output + torch.einsum("...ij,ijd->...id", weights, a_V[index])
    return output, weights


@mistake("relative_attention", "The distances are missing from the values: z_i is the average of v_j + a^V_ij.")
def values_without_distance(queries, keys, values, a_K, a_V, mask):
    return _relative(queries, keys, values, a_K, a_V, mask, with_values=False)


@mistake("relative_attention", "The distances are missing from the scores: e_ij is q_i · (k_j + a^K_ij) / √d.")
def scores_without_distance(queries, keys, values, a_K, a_V, mask):
    return _relative(queries, keys, values, a_K, a_V, mask, with_keys=False)


@mistake("relative_attention", "The two tables are swapped: a_K belongs to the keys, a_V to the values.")
def tables_swapped(queries, keys, values, a_K, a_V, mask):
    return _relative(queries, keys, values, a_V, a_K, mask)


@mistake(
    "relative_attention",
    "The index is transposed: [i, j] is query i and key j, so that words after the query have rows beyond the middle.",
)
def index_transposed(queries, keys, values, a_K, a_V, mask):
    index = finished.relative_index(queries.shape[-2], len(a_K) // 2)
    return _relative(queries, keys, values, a_K, a_V, mask, index.T)


@mistake(
    "relative_attention",
    "a^K is multiplied with the key. It is added to the key, so the *query* is multiplied with it: q_i · a^K_ij.",
)
def keys_times_distance(queries, keys, values, a_K, a_V, mask):
    T, d = queries.shape[-2:]
    index = finished.relative_index(T, len(a_K) // 2)
    scores = queries @ keys.mT + torch.einsum("...jd,ijd->...ij", keys, a_K[index])
    weights = masked_softmax(scores / d**0.5, mask)
    return weights @ values + torch.einsum("...ij,ijd->...id", weights, a_V[index]), weights


@mistake("relative_attention", "Only q·k is divided by √d. The whole sum is: (q·k + q·a) / √d.")
def distance_not_scaled(queries, keys, values, a_K, a_V, mask):
    T, d = queries.shape[-2:]
    index = finished.relative_index(T, len(a_K) // 2)
    scores = queries @ keys.mT / d**0.5 + torch.einsum("...id,ijd->...ij", queries, a_K[index])
    weights = masked_softmax(scores, mask)
    return weights @ values + torch.einsum("...ij,ijd->...id", weights, a_V[index]), weights


@mistake("relative_attention", "The scores are not scaled: divide the whole sum by √d.")
def nothing_scaled(queries, keys, values, a_K, a_V, mask):
    return _relative(queries * queries.shape[-1] ** 0.5, keys, values, a_K, a_V, mask)


@mistake(
    "relative_attention",
    "The vectors of the distances are added without their weights: each a^V_ij counts with α_ij, like the value v_j.",
)
def distances_not_weighted(queries, keys, values, a_K, a_V, mask):
    output, weights = _relative(queries, keys, values, a_K, a_V, mask, with_values=False)
    index = finished.relative_index(queries.shape[-2], len(a_K) // 2)
    return output + a_V[index].sum(1), weights


@mistake("relative_attention", "Your weights sum to 1 over the queries: softmax over the keys, the last axis.")
def over_queries(queries, keys, values, a_K, a_V, mask):
    return _relative(queries, keys, values, a_K, a_V, mask, dim=-2)


@mistake("relative_attention", "The mask is not used.")
def mask_forgotten(queries, keys, values, a_K, a_V, mask):
    return _relative(queries, keys, values, a_K, a_V, torch.ones_like(mask))


@mistake("relative_attention", "The mask is turned around: its rows are queries, its columns keys.")
def mask_turned(queries, keys, values, a_K, a_V, mask):
    return _relative(queries, keys, values, a_K, a_V, mask.mT)


@mistake("relative_attention", "Two results are asked for: the output and the weights.")
def no_weights_returned(queries, keys, values, a_K, a_V, mask):
    return _relative(queries, keys, values, a_K, a_V, mask)[0]


@mistake(
    "relative_attention",
    "The keys' table is added to the values. They have their own, a_V.",
)
def key_table_for_values(queries, keys, values, a_K, a_V, mask):
    T, d = queries.shape[-2:]
    k = len(a_K) // 2
    p = torch.arange(T)
    index = (p - p.unsqueeze(1)).clamp(-k, k) + k
    scores = (queries @ keys.mT + torch.einsum("...id,ijd->...ij", queries, a_K[index])) / d**0.5
    weights = masked_softmax(scores, mask)
    out = weights @ values + torch.einsum("...ij,ijd->...id", weights, a_K[index])
    return out, weights


@mistake(
    "relative_attention",
    "The vectors a_V are averaged without the weights. Each counts by its weight: Σ_j α_ij (v_j + a^V_ij).",
)
def distances_unweighted(queries, keys, values, a_K, a_V, mask):
    T, d = queries.shape[-2:]
    k = len(a_K) // 2
    p = torch.arange(T)
    index = (p - p.unsqueeze(1)).clamp(-k, k) + k
    scores = (queries @ keys.mT + torch.einsum("...id,ijd->...ij", queries, a_K[index])) / d**0.5
    weights = masked_softmax(scores, mask)
    out = weights @ values + torch.einsum("...ij,ijd->...id", torch.ones_like(weights) / T, a_V[index])
    return out, weights


@mistake(
    "relative_attention",
    "The scores come back in place of the weights.",
)
def scores_for_weights(queries, keys, values, a_K, a_V, mask):
    T, d = queries.shape[-2:]
    k = len(a_K) // 2
    p = torch.arange(T)
    index = (p - p.unsqueeze(1)).clamp(-k, k) + k
    scores = (queries @ keys.mT + torch.einsum("...id,ijd->...ij", queries, a_K[index])) / d**0.5
    weights = masked_softmax(scores, mask)
    out = weights @ values + torch.einsum("...ij,ijd->...id", weights, a_V[index])
    return out, scores


@mistake(
    "relative_attention",
    "The vectors a_V are divided by √d. Only the scores are.",
)
def value_vectors_scaled(queries, keys, values, a_K, a_V, mask):
    T, d = queries.shape[-2:]
    k = len(a_K) // 2
    p = torch.arange(T)
    index = (p - p.unsqueeze(1)).clamp(-k, k) + k
    scores = (queries @ keys.mT + torch.einsum("...id,ijd->...ij", queries, a_K[index])) / d**0.5
    weights = masked_softmax(scores, mask)
    out = weights @ values + torch.einsum("...ij,ijd->...id", weights, a_V[index]) / d**0.5

    return out, weights


@mistake(
    "relative_attention",
    "The values themselves are missing in the output: Σ_j α_ij (v_j + a^V_ij).",
)
def values_forgotten(queries, keys, values, a_K, a_V, mask):
    T, d = queries.shape[-2:]
    k = len(a_K) // 2
    p = torch.arange(T)
    index = (p - p.unsqueeze(1)).clamp(-k, k) + k
    scores = (queries @ keys.mT + torch.einsum("...id,ijd->...ij", queries, a_K[index])) / d**0.5
    weights = masked_softmax(scores, mask)
    out = torch.einsum("...ij,ijd->...id", weights, a_V[index])
    return out, weights


@alternative("relative_attention")
def keys_for_each_query(queries, keys, values, a_K, a_V, mask):
    T, d = queries.shape[-2:]
    index = finished.relative_index(T, (len(a_K) - 1) // 2)
    shifted = keys.unsqueeze(-3) + a_K[index]  # (..., i, j, d)
    scores = (queries.unsqueeze(-2) * shifted).sum(-1) / math.sqrt(d)
    weights = scores.masked_fill(~mask, float("-inf")).softmax(-1)
    return (weights.unsqueeze(-1) * (values.unsqueeze(-3) + a_V[index])).sum(-2), weights


@alternative("relative_attention")
def all_distances_then_gather(queries, keys, values, a_K, a_V, mask):
    T, d = queries.shape[-2:]
    index = finished.relative_index(T, len(a_K) // 2).expand(*queries.shape[:-1], T)
    by_distance = (queries @ a_K.T).gather(-1, index)
    weights = masked_softmax((queries @ keys.transpose(-1, -2) + by_distance) * d**-0.5, mask)
    onto_distance = torch.zeros(*queries.shape[:-1], len(a_V)).scatter_add(-1, index, weights)
    return weights @ values + onto_distance @ a_V, weights


@alternative("relative_attention")
def query_by_query(queries, keys, values, a_K, a_V, mask):
    T, d = queries.shape[-2:]
    index = finished.relative_index(T, len(a_K) // 2)
    outputs, rows = [], []
    for i in range(T):
        scores = ((keys + a_K[index[i]]) @ queries[..., i, :].unsqueeze(-1)).squeeze(-1) / d**0.5
        rows.append(masked_softmax(scores, mask[i]))
        outputs.append((rows[-1].unsqueeze(-2) @ (values + a_V[index[i]])).squeeze(-2))
    return torch.stack(outputs, dim=-2), torch.stack(rows, dim=-2)


# rotary


def _pairs(x, positions):
    d = x.shape[-1]
    angles = positions.unsqueeze(1) / 10_000 ** (torch.arange(0, d, 2) / d)
    return x[..., 0::2], x[..., 1::2], angles.cos(), angles.sin()


@mistake("rotary", "You turn the other way: new even = even · cos − odd · sin, new odd = even · sin + odd · cos.")
def turned_back(x, positions):
    even, odd, cos, sin = _pairs(x, positions)
    return _in_turns(even * cos + odd * sin, odd * cos - even * sin)


@mistake(
    "rotary",
    "You pair feature i with feature i + d/2, as many programs do. Here a pair is (2i, 2i + 1), as in the paper.",
)
def halves_paired(x, positions):
    d = x.shape[-1]
    _, _, cos, sin = _pairs(x, positions)
    first, second = x[..., : d // 2], x[..., d // 2 :]
    return torch.cat([first * cos - second * sin, first * sin + second * cos], dim=-1)


@mistake("rotary", "The turned pairs are put one half after the other: even and odd features take turns, as in x.")
def not_put_back_in_turns(x, positions):
    even, odd, cos, sin = _pairs(x, positions)
    return torch.cat([even * cos - odd * sin, even * sin + odd * cos], dim=-1)


@mistake(
    "rotary", "The minus is missing, so the vectors grow: a turn keeps the length. New even = even · cos − odd · sin."
)
def not_a_turn(x, positions):
    even, odd, cos, sin = _pairs(x, positions)
    return _in_turns(even * cos + odd * sin, even * sin + odd * cos)


@mistake("rotary", "Sine and cosine are swapped: at place 0 nothing turns.")
def cos_and_sin_swapped(x, positions):
    even, odd, cos, sin = _pairs(x, positions)
    return _in_turns(even * sin - odd * cos, even * cos + odd * sin)


@mistake("rotary", "You add a sinusoidal encoding. Rotary positions turn the features instead of adding to them.")
def encoding_added(x, positions):
    _, _, cos, sin = _pairs(x, positions)
    return x + _in_turns(sin, cos)


@mistake("rotary", "Places 0, 1, 2, … are used, not the `positions` that are given.")
def places_in_order(x, positions):
    even, odd, cos, sin = _pairs(x, torch.arange(len(positions)))
    return _in_turns(even * cos - odd * sin, even * sin + odd * cos)


@mistake("rotary", "The speeds are wrong: the exponent is 2i/d, torch.arange(0, d, 2) / d, not i/d.")
def exponent_of_half(x, positions):
    even, odd, _, _ = _pairs(x, positions)
    d = x.shape[-1]
    angles = positions.unsqueeze(1) / 10_000 ** (torch.arange(d // 2) / d)
    cos, sin = angles.cos(), angles.sin()
    return _in_turns(even * cos - odd * sin, even * sin + odd * cos)


@mistake("rotary", "You multiply by 10000^(2i/d): the angles must get *slower* from pair to pair. Divide.")
def faster_and_faster(x, positions):
    even, odd, _, _ = _pairs(x, positions)
    d = x.shape[-1]
    angles = positions.unsqueeze(1) * 10_000 ** (torch.arange(0, d, 2) / d)
    return _in_turns(even * angles.cos() - odd * angles.sin(), even * angles.sin() + odd * angles.cos())


@mistake("rotary", "The exponent is doubled: `torch.arange(0, d, 2)` is 2i already, so divide it by d and no more.")
def exponent_doubled(x, positions):
    even, odd, _, _ = _pairs(x, positions)
    d = x.shape[-1]
    angles = positions.unsqueeze(1) / 10_000 ** (2 * torch.arange(0, d, 2) / d)
    return _in_turns(even * angles.cos() - odd * angles.sin(), even * angles.sin() + odd * angles.cos())


@mistake("rotary", "All pairs turn by the same angle. Pair i turns by p / 10000^(2i/d).")
def same_speed(x, positions):
    even, odd, _, _ = _pairs(x, positions)
    cos, sin = positions.unsqueeze(1).cos(), positions.unsqueeze(1).sin()
    return _in_turns(even * cos - odd * sin, even * sin + odd * cos)


@mistake("rotary", "The new odd feature uses the even feature that is turned already. Use the old values for both.")
def turned_one_after_the_other(x, positions):
    even, odd, cos, sin = _pairs(x, positions)
    even = even * cos - odd * sin
    return _in_turns(even, even * sin + odd * cos)


@mistake("rotary", "Only the cosine is used: this shrinks the features instead of turning them.")
def only_cosine(x, positions):
    even, odd, cos, _ = _pairs(x, positions)
    return _in_turns(even * cos, odd * cos)


@mistake(
    "rotary",
    "The base of the speeds is 1000. It is 10000.",
)
def base_1000_here(x, positions):
    d = x.shape[-1]
    angle = positions.unsqueeze(-1) / 1000 ** (torch.arange(0, d, 2) / d)
    cos, sin = angle.cos(), angle.sin()
    even, odd = x[..., 0::2], x[..., 1::2]
    new_even = even * cos - odd * sin
    new_odd = even * sin + odd * cos
    return torch.stack([new_even, new_odd], -1).flatten(-2)


@mistake(
    "rotary",
    "The base of the speeds is 500000, as in some later models. Here it is 10000.",
)
def base_500000(x, positions):
    d = x.shape[-1]
    angle = positions.unsqueeze(-1) / 500000 ** (torch.arange(0, d, 2) / d)
    cos, sin = angle.cos(), angle.sin()
    even, odd = x[..., 0::2], x[..., 1::2]
    new_even = even * cos - odd * sin
    new_odd = even * sin + odd * cos
    return torch.stack([new_even, new_odd], -1).flatten(-2)


@mistake(
    "rotary",
    "The base of the speeds is 10. It is 10000.",
)
def base_10(x, positions):
    d = x.shape[-1]
    angle = positions.unsqueeze(-1) / 10 ** (torch.arange(0, d, 2) / d)
    cos, sin = angle.cos(), angle.sin()
    even, odd = x[..., 0::2], x[..., 1::2]
    new_even = even * cos - odd * sin
    new_odd = even * sin + odd * cos
    return torch.stack([new_even, new_odd], -1).flatten(-2)


@mistake(
    "rotary",
    "You turn the first half against the second. Pairs are neighbours: features 2i and 2i + 1.",
)
def halves_paired_here(x, positions):
    d = x.shape[-1]
    angle = positions.unsqueeze(-1) / 10000 ** (torch.arange(0, d, 2) / d)
    cos, sin = angle.cos(), angle.sin()
    even, odd = x[..., : d // 2], x[..., d // 2 :]
    new_even = even * cos - odd * sin
    new_odd = even * sin + odd * cos
    return torch.stack([new_even, new_odd], -1).flatten(-2)


@mistake(
    "rotary",
    "Your pairs are mirrored, not turned: the new odd feature is even · sin + odd · cos.",
)
def mirrored_here(x, positions):
    d = x.shape[-1]
    angle = positions.unsqueeze(-1) / 10000 ** (torch.arange(0, d, 2) / d)
    cos, sin = angle.cos(), angle.sin()
    even, odd = x[..., 0::2], x[..., 1::2]
    new_even = even * cos - odd * sin
    new_odd = even * sin - odd * cos
    return torch.stack([new_even, new_odd], -1).flatten(-2)


@mistake(
    "rotary",
    "The angles are taken for degrees. p · 10000^(−2i/d) is in radians already.",
)
def in_degrees_turned(x, positions):
    d = x.shape[-1]
    angle = positions.unsqueeze(-1) / 10000 ** (torch.arange(0, d, 2) / d)
    angle = torch.deg2rad(angle)
    cos, sin = angle.cos(), angle.sin()
    even, odd = x[..., 0::2], x[..., 1::2]
    new_even = even * cos - odd * sin
    new_odd = even * sin + odd * cos
    return torch.stack([new_even, new_odd], -1).flatten(-2)


@mistake(
    "rotary",
    "The last pair isn't turned.",
)
def last_pair_not_turned(x, positions):
    d = x.shape[-1]
    angle = positions.unsqueeze(-1) / 10000 ** (torch.arange(0, d, 2) / d)
    cos, sin = angle.cos(), angle.sin()
    even, odd = x[..., 0::2], x[..., 1::2]
    new_even = even * cos - odd * sin
    new_odd = even * sin + odd * cos
    y = torch.stack([new_even, new_odd], -1).flatten(-2)
    return torch.cat([y[..., :-2], x[..., -2:]], -1)


@mistake(
    "rotary",
    "The positions are taken from the end: word t has positions[t].",
)
def from_the_last_place(x, positions):
    d = x.shape[-1]
    angle = positions.flip(0).unsqueeze(-1) / 10000 ** (torch.arange(0, d, 2) / d)
    cos, sin = angle.cos(), angle.sin()
    even, odd = x[..., 0::2], x[..., 1::2]
    new_even = even * cos - odd * sin
    new_odd = even * sin + odd * cos
    return torch.stack([new_even, new_odd], -1).flatten(-2)


@mistake(
    "rotary",
    "You count from the first word's place. Turn by the positions as they are given.",
)
def first_place_as_zero(x, positions):
    d = x.shape[-1]
    angle = (positions - positions[0]).unsqueeze(-1) / 10000 ** (torch.arange(0, d, 2) / d)
    cos, sin = angle.cos(), angle.sin()
    even, odd = x[..., 0::2], x[..., 1::2]
    new_even = even * cos - odd * sin
    new_odd = even * sin + odd * cos
    return torch.stack([new_even, new_odd], -1).flatten(-2)


@mistake(
    "rotary",
    "The slow pairs come first. The first pair is the quickest: its exponent is 0.",
)
def slow_pairs_first(x, positions):
    d = x.shape[-1]
    angle = positions.unsqueeze(-1) / 10000 ** (torch.arange(0, d, 2).flip(0) / d)
    cos, sin = angle.cos(), angle.sin()
    even, odd = x[..., 0::2], x[..., 1::2]
    new_even = even * cos - odd * sin
    new_odd = even * sin + odd * cos
    return torch.stack([new_even, new_odd], -1).flatten(-2)


@alternative("rotary")
def as_complex_numbers(x, positions):
    d = x.shape[-1]
    angles = positions[:, None] / 10_000 ** (torch.arange(0, d, 2) / d)
    numbers = torch.view_as_complex(x.unflatten(-1, (-1, 2)).contiguous())
    return torch.view_as_real(numbers * torch.polar(torch.ones_like(angles), angles)).flatten(-2)


@alternative("rotary")
def with_a_quarter_turn(x, positions):
    d = x.shape[-1]
    angles = (positions[:, None] / 10_000 ** (torch.arange(0, d, 2) / d)).repeat_interleave(2, dim=-1)
    quarter = torch.stack([-x[..., 1::2], x[..., 0::2]], dim=-1).reshape(x.shape)
    return x * angles.cos() + quarter * angles.sin()


@alternative("rotary")
def with_shift_matrices(x, positions):
    d = x.shape[-1]
    rows = []
    for t, p in enumerate(positions.tolist()):
        blocks = []
        for i in range(0, d, 2):
            angle = p / 10_000 ** (i / d)
            c, s = math.cos(angle), math.sin(angle)
            blocks.append(torch.tensor([[c, -s], [s, c]]))
        rows.append(x[..., t, :] @ torch.block_diag(*blocks).T)
    return torch.stack(rows, dim=-2)


@alternative("rotary")
def filled_in_place(x, positions):
    even, odd, cos, sin = _pairs(x, positions)
    result = torch.empty_like(x)
    result[..., 0::2] = even * cos - odd * sin
    result[..., 1::2] = even * sin + odd * cos
    return result


def _distance(T):
    places = torch.arange(T)
    return (places - places.unsqueeze(1)).abs()


def _slopes(heads):
    return (2.0 ** (-8 * torch.arange(1, heads + 1) / heads)).view(-1, 1, 1)


# Seen in learners' work


@mistake(
    "relative_index",
    "Your result holds decimal numbers. It is to be an index, so int64: begin with torch.arange(T), or end "
    "with `.long()`.",
)
def index_of_floats(T, k):
    places = torch.arange(float(T))
    return (places - places.unsqueeze(1)).clamp(-k, k) + k


@mistake("shift_matrix", "The sign of k is lost (`abs`): a step back turns the other way round.")
def sign_lost(k, d):
    beta = abs(k) / 10_000 ** (torch.arange(0, d, 2) / d)
    M, even, odd = torch.zeros(d, d), torch.arange(0, d, 2), torch.arange(1, d, 2)
    M[even, even], M[even, odd], M[odd, even], M[odd, odd] = beta.cos(), beta.sin(), -beta.sin(), beta.cos()
    return M


@mistake(
    "relative_attention",
    "k is not len(a_K): the tables have 2k + 1 rows, from −k to k. So k = len(a_K) // 2.",
)
def k_is_the_length(queries, keys, values, a_K, a_V, mask):
    T = queries.shape[-2]
    places = torch.arange(T)
    index = (places - places.unsqueeze(1)).clamp(-len(a_K), len(a_K)) + len(a_K)
    products = queries @ keys.mT + torch.einsum("...id,ijd->...ij", queries, a_K[index])
    weights = torch.softmax((products / queries.shape[-1] ** 0.5).masked_fill(~mask, -1e9), -1).masked_fill(~mask, 0)
    return weights @ values + torch.einsum("...ij,ijd->...id", weights, a_V[index]), weights


@mistake(
    "relative_attention",
    "You mask after the softmax, so the weights of a row no longer sum to 1. Mask the scores before it.",
)
def masked_after_softmax(queries, keys, values, a_K, a_V, mask):
    T, k = queries.shape[-2], len(a_K) // 2
    places = torch.arange(T)
    index = (places - places.unsqueeze(1)).clamp(-k, k) + k
    products = queries @ keys.mT + torch.einsum("...id,ijd->...ij", queries, a_K[index])
    weights = torch.softmax(products / queries.shape[-1] ** 0.5, -1) * mask
    return weights @ values + torch.einsum("...ij,ijd->...id", weights, a_V[index]), weights


@alternative("rotary")
def by_matrices_in_float32(x, positions):
    d = x.shape[-1]
    angle = positions.float()[:, None] / 10_000 ** (torch.arange(0, d, 2).float() / d)
    c, s = angle.cos(), angle.sin()
    turn = torch.stack([torch.stack([c, -s], -1), torch.stack([s, c], -1)], -2)
    return torch.einsum("tfij,...tfj->...tfi", turn, x.unflatten(-1, (-1, 2))).flatten(-2)


@mistake(
    "rotary",
    "This is still the colleague's function: its speeds are wrong, and its second line uses the turned `even`.",
)
def not_mended(x, positions):
    d = x.shape[-1]
    angles = positions.unsqueeze(1) / 10_000 ** (torch.arange(d // 2) / d)
    even, odd = x[..., 0::2], x[..., 1::2]
    even = even * angles.cos() - odd * angles.sin()
    return _in_turns(even, even * angles.sin() + odd * angles.cos())


@mistake("sinusoidal_encoding", "`//` drops what is behind the point: every exponent becomes 0. Divide with `/`.")
def whole_exponents(T, d):
    angles = torch.arange(T).unsqueeze(1) / 10_000 ** (torch.arange(0, d, 2) // d)
    return _in_turns(angles.sin(), angles.cos())


@mistake("relative_index", "You clip to 0 … 2k before the shift: all words before the query get row k. Clip to −k … k.")
def clipped_at_zero(T, k):
    places = torch.arange(T)
    return (places - places.unsqueeze(1)).clamp(0, 2 * k) + k


@mistake(
    "relative_index", "You take the remainder: far words get the rows of near ones. Beyond ±k the row stays the same."
)
def wrapped_round(T, k):
    places = torch.arange(T)
    return (places - places.unsqueeze(1) + k) % (2 * k + 1)


@mistake(
    "relative_index", "You shift by T − 1. The table has 2k + 1 rows: the least distance, −k, is row 0, so shift by k."
)
def shifted_by_the_length(T, k):
    places = torch.arange(T)
    return (places - places.unsqueeze(1)).clamp(-k, k) + T - 1


@mistake(
    "relative_attention",
    "The vectors of the distances meet the query of the *key's* place, j. It is q_i that meets a_ij.",
)
def query_of_the_key(queries, keys, values, a_K, a_V, mask):
    T, d = queries.shape[-2:]
    index = finished.relative_index(T, len(a_K) // 2)
    scores = queries @ keys.mT + torch.einsum("...jd,ijd->...ij", queries, a_K[index])
    weights = masked_softmax(scores / d**0.5, mask)
    return weights @ values + torch.einsum("...ij,ijd->...id", weights, a_V[index]), weights


@mistake("relative_attention", "k is one too small: a table of 2k + 1 rows has k = len(a_K) // 2.")
def k_too_small(queries, keys, values, a_K, a_V, mask):
    index = finished.relative_index(queries.shape[-2], len(a_K) // 2 - 1)
    return _relative(queries, keys, values, a_K, a_V, mask, index=index)


@mistake("relative_attention", "The distances' vectors are summed over the queries. Each query sums over its keys, j.")
def summed_over_queries(queries, keys, values, a_K, a_V, mask):
    index = finished.relative_index(queries.shape[-2], len(a_K) // 2)
    output, weights = _relative(queries, keys, values, a_K, a_V, mask, with_values=False)
    return output + torch.einsum("...ij,ijd->...jd", weights, a_V[index]), weights


def _blocks(k, d, block):
    M = torch.zeros(d, d)
    for i in range(0, d, 2):
        beta = torch.tensor(k / 10_000 ** (i / d))
        M[i : i + 2, i : i + 2] = torch.tensor(block(beta.cos().item(), beta.sin().item()))
    return M


@mistake(
    "shift_matrix", "Both sines have a minus: only the lower left one has. The block is [[cos, sin], [−sin, cos]]."
)
def two_minuses(k, d):
    return _blocks(k, d, lambda c, s: [[c, -s], [-s, c]])


@mistake("shift_matrix", "A cosine is missing: both corners of the diagonal have one, [[cos, sin], [−sin, cos]].")
def one_cosine(k, d):
    return _blocks(k, d, lambda c, s: [[c, s], [-s, 0.0]])


@mistake(
    "shift_matrix", "This moves the *features* by k places. M_k turns each pair of them: 2 × 2 blocks on the diagonal."
)
def features_moved(k, d):
    return torch.eye(d).roll(k, 0)


# looking_head


def _on_gold(weights, gold):
    return (weights * gold).sum(-1).mean(0)


def _of_head(head, within, beyond):
    return int(head), within[head].item(), beyond[head].item()


def _parts(weights, gold, trained, asked=None):
    on_gold, known = _on_gold(weights, gold), torch.arange(len(gold)) < trained
    asked = gold.any(-1) if asked is None else asked
    return on_gold[:, asked & known].mean(-1), on_gold[:, asked & ~known].mean(-1)


@mistake(
    "looking_head",
    "You choose by the places *beyond*, alone or among all: that looks at the answer first. Choose by those that "
    "training knew.",
)
def chosen_beyond(weights, gold, trained):
    within, beyond = _parts(weights, gold, trained)
    return _of_head(beyond.argmax(), within, beyond)


@mistake(
    "looking_head",
    "Within and beyond you take the best head of each. The head is chosen once, within; both numbers are its.",
)
def best_of_each(weights, gold, trained):
    within, beyond = _parts(weights, gold, trained)
    return int(within.argmax()), within.max().item(), beyond.max().item()


@mistake(
    "looking_head",
    "Queries that should look nowhere are averaged in, with a weight of 0. Leave them out: gold.any(-1).",
)
def nowhere_counts(weights, gold, trained):
    return _of_head(*_with_head(_parts(weights, gold, trained, asked=torch.ones(len(gold), dtype=torch.bool))))


def _with_head(parts):
    return parts[0].argmax(), *parts


@mistake("looking_head", "Place `trained` is counted as known. Known are the places *below* it.")
def one_place_more(weights, gold, trained):
    return _of_head(*_with_head(_parts(weights, gold, trained + 1)))


@mistake("looking_head", "Queries and keys are swapped in gold: both have the query first, [query, key].")
def gold_turned(weights, gold, trained):
    return _of_head(*_with_head(_parts(weights, gold.mT, trained, asked=gold.any(-1))))


@mistake("looking_head", "The results are in another order: the head, then its weight at known places, then beyond.")
def beyond_before_within(weights, gold, trained):
    head, within, beyond = _of_head(*_with_head(_parts(weights, gold, trained)))
    return head, beyond, within


@mistake("looking_head", "The heads are counted from 1. The first is number 0.")
def heads_from_one(weights, gold, trained):
    head, within, beyond = _of_head(*_with_head(_parts(weights, gold, trained)))
    return head + 1, within, beyond


@mistake("looking_head", "The weights are added up over the places. Take their mean over the queries that count.")
def added_over_places(weights, gold, trained):
    on_gold, known = _on_gold(weights, gold), torch.arange(len(gold)) < trained
    within, beyond = on_gold[:, known].sum(-1), on_gold[:, ~known].sum(-1)
    return _of_head(within.argmax(), within, beyond)


@mistake(
    "looking_head", "You divide the *keys* into known and beyond. The place of the query counts, the one that asks."
)
def keys_divided(weights, gold, trained):
    known, asked = torch.arange(len(gold)) < trained, gold.any(-1)
    each = (weights * gold).mean(0)
    within, beyond = (each[:, asked][:, :, part].sum(-1).mean(-1) for part in (known, ~known))
    return _of_head(within.argmax(), within, beyond)


@mistake(
    "looking_head",
    "You count the places that are looked *at*. Those count that have somewhere to look: `gold.any(-1)`.",
)
def keys_that_are_gold(weights, gold, trained):
    on = (weights * gold).sum(-1).mean(0)
    asked = gold.any(0)
    known = torch.arange(gold.shape[0]) < trained
    within = on[:, asked & known].mean(-1)
    head = int(within.argmax())
    return head, within[head].item(), on[head, asked & ~known].mean().item()


@mistake(
    "looking_head",
    "A place is known or not by where it should look. It is the *query's* place that counts: below `trained`.",
)
def known_by_the_gold(weights, gold, trained):
    on = (weights * gold).sum(-1).mean(0)
    asked = gold.any(-1)
    known = gold.int().argmax(-1) < trained
    within = on[:, asked & known].mean(-1)
    head = int(within.argmax())
    return head, within[head].item(), on[head, asked & ~known].mean().item()


@mistake(
    "looking_head",
    "You average over the keys. What a query puts on gold is a sum.",
)
def mean_over_the_keys(weights, gold, trained):
    on = (weights * gold).mean(-1).mean(0)
    asked = gold.any(-1)
    known = torch.arange(gold.shape[0]) < trained
    within = on[:, asked & known].mean(-1)
    head = int(within.argmax())
    return head, within[head].item(), on[head, asked & ~known].mean().item()


@mistake(
    "looking_head",
    "You take the largest of the words. Asked for is the mean over them.",
)
def largest_of_the_words(weights, gold, trained):
    on = (weights * gold).sum(-1).amax(0)
    asked = gold.any(-1)
    known = torch.arange(gold.shape[0]) < trained
    within = on[:, asked & known].mean(-1)
    head = int(within.argmax())
    return head, within[head].item(), on[head, asked & ~known].mean().item()


@alternative("looking_head")
def looking_by_loops(weights, gold, trained):
    T, best = len(gold), (-1, -1.0, 0.0)
    for head in range(weights.shape[1]):
        sums, counts = [0.0, 0.0], [0, 0]
        for query in range(T):
            if gold[query].any():
                part = int(query >= trained)
                sums[part] += float(weights[:, head, query][:, gold[query]].sum(-1).mean())
                counts[part] += 1
        if sums[0] / counts[0] > best[1]:
            best = head, sums[0] / counts[0], sums[1] / counts[1]
    return best


@alternative("looking_head")
def looking_by_einsum(weights, gold, trained):
    share = torch.einsum("bhij,ij->hi", weights.float(), gold.float()) / len(weights)
    asked = torch.nonzero(gold.any(1)).flatten()
    early, late = asked[asked < trained], asked[asked >= trained]
    head = int(torch.argmax(share[:, early].sum(1)))
    return head, share[head, early].mean(), share[head, late].mean()


@alternative("looking_head")
def looking_by_slices(weights, gold, trained):
    on_gold = weights.masked_fill(~gold, 0.0).sum(dim=3).mean(dim=0)
    on_gold[:, ~gold.any(-1)] = torch.nan
    within, beyond = on_gold[:, :trained].nanmean(-1), on_gold[:, trained:].nanmean(-1)
    head = within.tolist().index(within.max().item())
    return head, float(within[head]), float(beyond[head])


@alternative("looking_head")
def looking_in_numpy(weights, gold, trained):
    w, g = weights.detach().numpy(), gold.numpy()
    on_gold, asked = (w * g).sum(-1).mean(0), g.any(-1)
    known = np.arange(len(g)) < trained
    within = on_gold[:, asked & known].mean(-1)
    head = int(np.argmax(within))
    return head, float(within[head]), float(on_gold[head, asked & ~known].mean())


@mistake(
    "rotary", "One sign is wrong, so this mirrors instead of turning: at place 0 the odd features change their sign."
)
def mirrored(x, positions):
    even, odd = x[..., 0::2], x[..., 1::2]
    angles = positions.unsqueeze(1) / 10_000 ** (torch.arange(0, x.shape[-1], 2) / x.shape[-1])
    turned = even * angles.cos() + odd * angles.sin(), even * angles.sin() - odd * angles.cos()
    return torch.stack(turned, dim=-1).flatten(-2)


@mistake("rotary", "You turn by one place too many: the angle is p times the speed, so place 0 turns nothing.")
def one_place_further(x, positions):
    return finished.rotary(x, positions + 1)


@mistake(
    "looking_head",
    "The last number is the mean over all places, known ones among them. Beyond are those from `trained` on.",
)
def all_for_beyond(weights, gold, trained):
    within, _ = _parts(weights, gold, trained)
    return _of_head(within.argmax(), within, _on_gold(weights, gold)[:, gold.any(-1)].mean(-1))


@mistake("looking_head", "Both numbers are means over the heads. They should be those of the head that you chose.")
def mean_of_the_heads(weights, gold, trained):
    within, beyond = _parts(weights, gold, trained)
    return int(within.argmax()), within.mean().item(), beyond.mean().item()


@mistake("looking_head", "Place `trained` is nowhere: known are the places below it, and beyond begins *at* it.")
def place_between_lost(weights, gold, trained):
    within, _ = _parts(weights, gold, trained)
    return _of_head(within.argmax(), within, _parts(weights, gold, trained + 1)[1])


@mistake(
    "looking_head",
    "You sum over the queries, axis −2: what each *key* gets. Sum over the keys: a number for each query stays.",
)
def summed_over_askers(weights, gold, trained):
    got, known = (weights * gold).sum(-2).mean(0), torch.arange(len(gold)) < trained
    asked = gold.any(-2)
    return _of_head(*_with_head((got[:, asked & known].mean(-1), got[:, asked & ~known].mean(-1))))


@mistake("looking_head", "You take the largest weight, wherever it lies. Multiply by gold: what lies *there* counts.")
def largest_anywhere(weights, gold, trained):
    once = gold / gold.sum(-1, keepdim=True).clamp(min=1)
    return _of_head(*_with_head(_parts(weights.amax(-1, keepdim=True) * once, gold, trained)))


@mistake(
    "looking_head",
    "You count how often the largest weight lies on gold. Asked for is the weight there, also if it isn't the largest.",
)
def hits_for_weight(weights, gold, trained):
    hits = torch.nn.functional.one_hot(weights.argmax(-1), len(gold))
    return _of_head(*_with_head(_parts(hits.to(weights.dtype), gold, trained)))


@mistake("looking_head", "Only the first word is looked at. Take the mean over all words of the batch.")
def of_the_first_word(weights, gold, trained):
    return _of_head(*_with_head(_parts(weights[:1], gold, trained)))
