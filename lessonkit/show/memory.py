"""What a computation keeps in memory: the largest table it makes, and the most bytes it holds at one moment."""

import weakref
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode


class Memory(TorchFunctionMode):
    """Entered with `with`, it counts the tensors that PyTorch's functions make, not those they are given.

    Views cost nothing. What a function needs inside itself, and what other libraries make, isn't seen.
    """

    def __init__(self):
        super().__init__()
        self.largest = 0  # numbers in the largest table that was made
        self.peak = 0  # bytes of all tensors that were alive at one moment
        self._now = 0
        self._known: dict[int, weakref.ref] = {}  # storages that are alive, ours and those that were given

    def __torch_function__(
        self, func: object, types: object, args: tuple = (), kwargs: Mapping | None = None
    ) -> object:
        """Call one function, and count what came out."""
        kwargs = kwargs or {}
        for tensor in _tensors((args, kwargs)):
            self._meet(tensor, ours=False)
        result = func(*args, **kwargs)
        for tensor in _tensors(result):
            self._meet(tensor, ours=True)
        return result

    def _meet(self, tensor: Tensor, ours: bool) -> None:
        storage = tensor.untyped_storage()
        key = storage._cdata
        if key in self._known:
            return
        size = storage.nbytes() if ours else 0

        def gone(_: object) -> None:
            self._known.pop(key, None)
            self._now -= size

        self._known[key] = weakref.ref(storage, gone)
        self._now += size
        self.peak = max(self.peak, self._now)
        if ours:
            self.largest = max(self.largest, size // tensor.element_size())


def _tensors(tree: object) -> Iterator[Tensor]:
    if isinstance(tree, Tensor):
        if tree.layout == torch.strided:
            yield tree
    elif isinstance(tree, list | tuple | Mapping):
        for item in tree.values() if isinstance(tree, Mapping) else tree:
            yield from _tensors(item)
