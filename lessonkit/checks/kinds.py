"""What an answer returned, in words: "tensor of float", "set of (int, int)"; and whether that is what was promised."""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AnySet

import numpy as np
import torch
from torch import Tensor

_NUMBERS = ("int", "float", "bool")
_MOST = 8  # places of a result that are told apart


def add_kinds(kinds: dict[str, str], result: object, place: str = "") -> None:
    """Note the kind of what one call returned, by its place: "" for one result, "0", "1", ... in a tuple."""
    if isinstance(result, list | tuple) and not all(_is_plain(leaf) for leaf in _leaves(result)):
        for i, item in enumerate(result[:_MOST]):
            add_kinds(kinds, item, f"{place}.{i}" if place else str(i))
        return
    kind = kind_of(result)
    known = kinds.get(place, "").split("|")
    if kind not in known:
        kinds[place] = "|".join(sorted({*known, kind} - {""}))


def kind_of(value: object) -> str:
    """The kind of one value."""
    if isinstance(value, Tensor):
        return f"tensor of {_numbers(str(value.dtype).removeprefix('torch.'))}"
    if isinstance(value, np.ndarray):
        return f"array of {_numbers(value.dtype.name)}"
    if isinstance(value, bool | np.bool_):
        return "bool"
    if isinstance(value, int | np.integer):
        return "int"
    if isinstance(value, float | np.floating):
        return "float"
    if isinstance(value, list | tuple):
        return f"list of {_members(set(_leaves(value)))}"
    if isinstance(value, set | frozenset):
        return f"set of {_members(value)}"
    return "None" if value is None else type(value).__name__


def _numbers(dtype: str) -> str:
    return "float" if "float" in dtype else dtype


def _is_plain(value: object) -> bool:
    return isinstance(value, bool | int | float | np.generic)


def _leaves(value: object) -> Iterator[object]:
    if isinstance(value, list | tuple):
        for item in value:
            yield from _leaves(item)
    else:
        yield value


def _members(values: AnySet | list | tuple) -> str:
    kinds = {
        f"({', '.join(kind_of(part) for part in value)})" if isinstance(value, tuple) else kind_of(value)
        for value in values
    }
    return " or ".join(sorted(kinds)[:3]) or "nothing"


def breach_of_number(got: Mapping[str, str], promised: Mapping[str, str]) -> str | None:
    """A sentence if several results are returned where one is promised, or one for several."""
    if "" in promised and "0" in got and promised[""].startswith("tensor"):
        return (
            "You return several things (a list or a tuple); one Tensor is promised: `torch.stack(...)` makes one of a "
            "list of tensors; of a tuple take the one that is asked for."
        )
    if "0" in promised and "" not in promised and not got.get("", "list of").startswith("list of"):
        count = len({place.partition(".")[0] for place in promised})
        return f"You return one thing; {count} are promised: separate them by commas, in the order of the docstring."
    return None


def breach(got: str, promised: str) -> str | None:
    """Why a kind is not what the docstring promises, as a sentence; None where it is, or can be converted."""
    for kind in got.split("|"):
        if sentence := _breach(kind, set(promised.split("|"))):
            return sentence
    return None


def _breach(kind: str, promised: set[str]) -> str | None:
    if kind in promised:
        return None
    if "tensor of int64" in promised and kind.startswith(("tensor of ", "array of ")):
        is_ = kind.split(" of ")[1]
        if is_ != "bool" and kind != "array of int64":
            words = {"float": "decimal numbers", "int32": "int32"}.get(is_, "other numbers")
            return (
                f"Your function returns {words} where whole numbers of kind int64 are promised: an embedding and an "
                "index refuse them. Build it from integers, or end with `.long()`."
            )
    sets = [promise for promise in promised if promise.startswith("set of")]
    if sets and kind.startswith("list of"):
        return "Return a set, not a list: `set(...)`, or braces in place of the brackets."
    if sets and kind.startswith("set of ") and "tensor" in kind:
        return (
            "Your set holds tensors where it should hold plain ints. Two tensors are never the same member, even if "
            "they are equal, so nothing would ever be found in it: write `int(...)` around each."
        )
    if sets and kind.startswith("set of ") and "float" in kind and not any("float" in promise for promise in sets):
        return "Your set holds decimal numbers where it should hold ints: write `int(...)` around each."
    return None


def converted(got: str, promised: str) -> str | None:
    """How a result that is right in value differs in kind from what is promised, as half a sentence."""
    for kind in got.split("|"):
        if kind in promised.split("|"):
            continue
        if "tensor of" in promised and kind.startswith("array of"):
            return "numpy's array where a Tensor is promised"
        if "tensor of" in promised and kind.startswith(("list of", "float", "int", "bool")):
            return "Python's numbers where a Tensor is promised"
        if promised in _NUMBERS and kind.startswith("tensor of"):
            return "a tensor where a plain number is promised"
        if promised == "int" and kind == "float":
            return "decimal numbers (2.0) where whole numbers (2) are promised"
    return None


def tensors_for_numbers(got: Mapping[str, str], promised: Mapping[str, str]) -> bool:
    """Whether several numbers are promised, as `loss, share`, and each is returned as a tensor."""
    several = promised.get("", "").removeprefix("list of ") in _NUMBERS and "0" in got
    return several and all(kind.startswith("tensor of") for kind in got.values())


def as_promised(result: object, promised: dict[str, str], place: str = "") -> object:
    """A result with tensors wherever tensors are promised, and ints where ints are."""
    numbers = promised.get(place, "").removeprefix("list of ")
    if isinstance(result, list | tuple) and numbers in _NUMBERS:
        plain = [as_promised(x, {"": numbers}) for x in result]
        return plain if isinstance(result, list) else tuple(plain)
    if isinstance(result, list | tuple) and place not in promised:
        return tuple(as_promised(x, promised, f"{place}.{i}" if place else str(i)) for i, x in enumerate(result))
    kind = promised.get(place, "")
    if kind.startswith("tensor of") and not isinstance(result, Tensor):
        dtype = {"float": torch.get_default_dtype(), "int64": torch.int64, "bool": torch.bool}.get(
            kind.split(" of ")[1]
        )
        return torch.as_tensor(result, dtype=dtype)
    if kind in _NUMBERS and isinstance(result, Tensor) and result.numel() == 1:
        result = result.item()
    return int(result) if kind == "int" and isinstance(result, float) else result
