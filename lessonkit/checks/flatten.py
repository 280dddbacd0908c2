"""A probe's dictionary of results as plain arrays and strings."""

from collections.abc import Iterator, Mapping

import numpy as np
import torch
from torch import Tensor

LARGEST = 2_000_000  # elements of one result


def flatten(results: object) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Named arrays, and the names and kinds of what is no array, from a probe's dictionary of results."""
    if not isinstance(results, Mapping):
        raise TypeError(f"a probe returns a dictionary of results, not {_kind_of(results)}")
    arrays: dict[str, np.ndarray] = {}
    others: dict[str, str] = {}
    for name, value in results.items():
        _flatten_into(arrays, others, str(name), value)
    return arrays, others


def _flatten_into(arrays: dict, others: dict, name: str, value: object) -> None:
    array = _as_array(value)
    if array is not None:
        arrays[name] = array
    elif isinstance(value, list | tuple):
        arrays[f"{name}.length"] = np.asarray(len(value))
        for i, item in enumerate(value):
            _flatten_into(arrays, others, f"{name}[{i}]", item)
    else:
        others[name] = _kind_of(value)


def _as_array(value: object) -> np.ndarray | None:
    if isinstance(value, Tensor):
        value = value.detach()
        value = value.to_dense() if value.layout != torch.strided else value
        value = value.float() if value.dtype == torch.bfloat16 else value
        array = value.resolve_conj().resolve_neg().cpu().numpy()
    elif isinstance(value, np.ndarray | np.generic | bool | int | float):
        array = np.asarray(value)
    elif isinstance(value, list | tuple) and value and all(_is_number(x) for x in _leaves(value)):
        try:
            array = np.asarray(_plain(value))
        except ValueError:  # ragged
            return None
    else:
        return None
    if array.dtype.kind not in "biuf":
        return None
    if array.size > LARGEST:
        raise ValueError(f"a result has {array.size:,} values, more than any exercise asks for")
    return np.array(array)


def _leaves(value: object) -> Iterator[object]:
    if isinstance(value, list | tuple):
        for item in value:
            yield from _leaves(item)
    else:
        yield value


def _is_number(value: object) -> bool:
    return isinstance(value, bool | int | float | np.generic) or (isinstance(value, Tensor) and value.ndim == 0)


def _plain(value: object) -> object:
    """Nested lists of numbers, those that are tensors without an axis as Python's own."""
    if isinstance(value, list | tuple):
        return [_plain(x) for x in value]
    return value.item() if isinstance(value, Tensor) else value


def _kind_of(value: object) -> str:
    return "None" if value is None else f"a {type(value).__name__}"
