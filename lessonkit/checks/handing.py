"""The answer as a probe gets it: every call is watched, and asked for its gradients."""

import functools
import inspect
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import Enum

import numpy as np
import torch
from torch import Tensor

from lessonkit.checks.bits import Bits
from lessonkit.checks.draw import Draw
from lessonkit.checks.kinds import add_kinds
from lessonkit.checks.watching import snapshot, unchanged

_MOST_CALLS, _LARGEST_INPUT = 12, 4096  # of what was given, as much is kept for the hints
_OTHER_STREAM = 0x5EED  # the weights of the sums are no part of what a probe draws


class Gradients(Enum):
    """Whether gradients are asked for; CUT: they were, and numpy refused, so there are none."""

    ASKED = 1
    DECLINED = 2
    CUT = 3


class Handed:
    """Stands between a probe and an answer.

    Each call gets copies of its arguments, so that what it changes in place is noticed, and changes nothing else. Every
    float result is summed with random weights, and the gradient of the sum for every float argument is kept as two
    numbers: its product with a random direction, and its length. They are equal if and only if the gradients are.
    """

    def __init__(self, answer: Callable, draw: Draw, seed: int, gradients: Gradients):
        self._answer, self._draw, self._gradients = answer, draw, gradients
        self._seed, self._calls = (seed ^ _OTHER_STREAM) * 1000, 0
        self.returned: dict[str, str] = {}  # the kinds of what came back, by place in it
        self.changed: list[str] = []  # arguments that a call changed in place
        self.raised: BaseException | None = None  # what left the answer
        self.given: dict[types.CodeType, str] = {}  # functions among the arguments, by their code
        self.rows: list[tuple[float, float]] = []
        self.names: list[str] = []  # of the argument that each row belongs to
        self.inputs: list[dict[str, np.ndarray]] = []  # what each call got, numbers and small tensors

    def __call__(self, *given: object, **named: object) -> object:
        names = self._names_of(given, named)
        prepared = _Prepared(self, self._draw, self._gradients)
        arguments = [prepared.copy(value, name) for name, value in zip(names, (*given, *named.values()), strict=True)]
        before = [snapshot(value) for value in arguments]
        if len(self.inputs) < _MOST_CALLS:
            self.inputs.append(_numbers(zip(names, arguments, strict=True)))
        positional, keywords = arguments[: len(given)], dict(zip(named, arguments[len(given) :], strict=True))
        try:
            result = self._answer(*positional, **keywords)
        except BaseException as error:
            self.raised = error
            raise
        for name, now, then in zip(names, arguments, before, strict=True):
            if not unchanged(now, then) and name not in self.changed:
                self.changed.append(name)
        add_kinds(self.returned, result)
        result = _without_numpy(result)
        self._calls += 1
        if prepared.inputs:
            self._keep_gradients(prepared.inputs, result)
        return result

    @functools.cached_property
    def _positional(self) -> list[str]:
        """What the answer calls the arguments that it takes by place."""
        try:
            parameters = list(inspect.signature(self._answer).parameters.values())
        except (TypeError, ValueError):
            return []
        return [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]

    def _names_of(self, given: tuple, named: Mapping) -> list[str]:
        """What the answer calls the arguments of a call, in the order in which they are handed over."""
        plain = self._positional
        return [*(plain[i] if i < len(plain) else f"argument {i + 1}" for i in range(len(given))), *named]

    def _keep_gradients(self, inputs: list[tuple[str, Tensor, bool]], result: object) -> None:
        leaves = [leaf for _, leaf, _ in inputs]
        random = Bits(self._seed + 100 * self._calls)
        directions = [random.normal(*leaf.shape) for leaf in leaves]
        for i, output in enumerate(_outputs(result)):
            found: tuple[Tensor | None, ...] = (None,) * len(leaves)
            if self._gradients == Gradients.ASKED and output is not None and output.requires_grad and output.numel():
                weights = torch.from_numpy(Bits(self._seed + 100 * self._calls + i + 1).normal(*output.shape))
                weighted = (output * weights.to(output)).sum()
                found = torch.autograd.grad(weighted, leaves, retain_graph=True, allow_unused=True)
            for (name, _, shares), gradient, direction in zip(inputs, found, directions, strict=True):
                self.names.append(name)
                self.rows.append((0.0, 0.0) if gradient is None else _two_numbers(gradient, direction, shares))


class _Prepared:
    """Copies of the arguments of one call, and those among them that a gradient should reach."""

    def __init__(self, handed: Handed, draw: Draw, gradients: Gradients):
        self._handed, self._draw, self._gradients = handed, draw, gradients
        self._copies: dict[int, object] = {}
        self.inputs: list[tuple[str, Tensor, bool]] = []  # name, tensor, whether its rows sum to 1

    def copy(self, value: object, name: str) -> object:
        if id(value) not in self._copies:
            self._copies[id(value)] = self._new(value, name)
        return self._copies[id(value)]

    def _new(self, value: object, name: str) -> object:
        if isinstance(value, Tensor):
            return self._tensor(value, name)
        if type(value) in (list, tuple):
            return type(value)(self.copy(item, f"{name}[{i}]") for i, item in enumerate(value))
        if type(value) in (set, dict):
            return value.copy()
        function = value.func if isinstance(value, functools.partial) else value
        if isinstance(function, types.FunctionType):
            own = function.__name__
            self._handed.given[function.__code__] = name if own == "<lambda>" else own
        return value

    def _tensor(self, value: Tensor, name: str) -> Tensor:
        if not value.is_floating_point():
            return value.clone()
        if self._gradients == Gradients.DECLINED:
            return value if value.requires_grad else value.clone()
        leaf = value
        if self._gradients == Gradients.ASKED and not value.requires_grad:
            leaf = value.detach().clone().requires_grad_()
        self.inputs.append((name, leaf, self._draw.is_shares(value)))
        return value if value.requires_grad else leaf.clone()  # no leaf: it may be changed in place


def _numbers(arguments: Iterable[tuple[str, object]]) -> dict[str, np.ndarray]:
    """The arguments that are numbers, or tensors that aren't large, as arrays of their own."""
    kept = {}
    for name, value in arguments:
        if isinstance(value, Tensor) and value.layout == torch.strided and value.numel() <= _LARGEST_INPUT:
            kept[name] = value.detach().cpu().numpy().copy()
        elif type(value) in (int, float):
            kept[name] = np.asarray(value)
    return kept


def _outputs(result: object) -> Iterator[Tensor | None]:
    """The tensors of a result, in order; None in the place of what is no tensor."""
    if isinstance(result, list | tuple):
        for item in result:
            yield from _outputs(item)
    else:
        yield result if isinstance(result, Tensor) else None


def _two_numbers(gradient: Tensor, direction: np.ndarray, shares: bool) -> tuple[float, float]:
    gradient = gradient.detach().to_dense() if gradient.layout != torch.strided else gradient.detach()
    values = gradient.double().numpy()
    if shares and values.ndim:  # the part along which the rows keep their sum
        values = values - values.mean(-1, keepdims=True)
    return float((values * direction).sum()), float(np.sqrt((values**2).sum()))


def _without_numpy(result: object) -> object:
    """The result with tensors in the place of numpy's arrays, so that the probe can go on."""
    if isinstance(result, np.ndarray) and result.dtype.kind in "biuf" and result.dtype.itemsize <= 8:
        return torch.from_numpy(np.ascontiguousarray(result).reshape(result.shape))
    if type(result) in (list, tuple):
        return type(result)(_without_numpy(item) for item in result)
    return result
