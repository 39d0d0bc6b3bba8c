"""How samples become a batch: torch's default_collate and default_convert."""
from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ..._runtime import TensorBase, float64


def _torch():
    import minitorch
    return minitorch


def _remake(kind, items, fallback):
    """A container of the samples' own class where it can be made of a list or dict."""
    try:
        return kind(items)
    except TypeError:
        return fallback


def _is_text(array):
    return array.dtype.kind in "SUO"


def default_convert(data: Any) -> Any:
    """NumPy arrays, also inside of lists, tuples and dicts, become tensors; the rest stays."""
    kind = type(data)
    if isinstance(data, (TensorBase, str, bytes)):
        return data
    if isinstance(data, (np.ndarray, np.generic)):
        return data if _is_text(np.asarray(data)) else _torch().as_tensor(data)
    if isinstance(data, Mapping):
        items = {key: default_convert(data[key]) for key in data}
        return _remake(kind, items, items)
    if isinstance(data, tuple):
        items = [default_convert(d) for d in data]
        return kind(*items) if hasattr(data, "_fields") else items
    if isinstance(data, Sequence):
        items = [default_convert(d) for d in data]
        return _remake(kind, items, items)
    return data


def default_collate(batch: Any) -> Any:
    """Samples as one batch: tensors stacked, numbers as tensors (floats as float64), texts as they are;
    lists, tuples and dicts of these field by field.
    """
    first, torch = batch[0], _torch()
    kind = type(first)
    if isinstance(first, TensorBase):
        return torch.stack(list(batch), 0)
    if isinstance(first, np.ndarray):
        if _is_text(first):
            raise TypeError("default_collate: batch must contain tensors, numpy arrays, numbers, dicts or "
                            f"lists; found {first.dtype}")
        return torch.stack([torch.as_tensor(b) for b in batch], 0)
    if isinstance(first, np.generic) and not isinstance(first, (float, str, bytes)):
        return torch.from_numpy(np.asarray(batch))
    if isinstance(first, float):
        return torch.tensor(list(batch), dtype=float64)
    if isinstance(first, int):
        return torch.tensor(list(batch))
    if isinstance(first, (str, bytes)):
        return batch
    if isinstance(first, Mapping):
        items = {key: default_collate([d[key] for d in batch]) for key in first}
        return _remake(kind, items, items)
    if isinstance(first, tuple) and hasattr(first, "_fields"):
        return kind(*(default_collate(samples) for samples in zip(*batch)))
    if isinstance(first, Sequence):
        n = len(first)
        if not all(len(b) == n for b in batch):
            raise RuntimeError("each element in list of batch should be of equal size")
        items = [default_collate(samples) for samples in zip(*batch)]
        return items if isinstance(first, tuple) else _remake(kind, items, items)
    raise TypeError("default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; "
                    f"found {kind}")
