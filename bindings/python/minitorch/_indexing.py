"""tensor[key] and tensor[key] = value with Python's and NumPy's index forms."""
from . import _ops
from ._api import alias
from ._runtime import TensorBase, _index


def _advanced(k):
    """Index tensors from lists, arrays and tensors; None for the basic forms."""
    if isinstance(k, TensorBase):
        if k.dtype.is_floating_point:
            raise IndexError("tensors used as indices must be long, byte or bool tensors")
        return k
    if isinstance(k, (list, tuple, range)) or hasattr(k, "__array__"):
        from . import tensor
        t = tensor(list(k) if isinstance(k, range) else k)
        if t.numel() == 0 and isinstance(k, (list, tuple)):
            t = t.long()
        if t.dtype.is_floating_point:
            raise IndexError("tensors used as indices must be long, byte or bool tensors")
        return t
    return None


def _as_tuple(key):
    """The key as a tuple of keys. A short list that holds more than numbers counts as a tuple, which
    torch has from NumPy's old days."""
    if isinstance(key, tuple):
        return key
    if isinstance(key, list) and len(key) < 32 and any(
            k is None or k is Ellipsis or isinstance(k, (list, tuple, slice, TensorBase)) for k in key):
        return tuple(key)
    return (key,)


def _split(t, key):
    """Applies the basic parts of a key as views. Returns the view and a list of index tensors (or
    None per dim) for the advanced part, empty when there is none."""
    # Sequences become tensors once, here.
    keys = tuple(_advanced(k) if isinstance(k, (list, tuple, range)) else k for k in _as_tuple(key))
    if sum(k is Ellipsis for k in keys) > 1:
        raise IndexError("an index can only have a single ellipsis ('...')")
    used = 0
    for k in keys:
        if k is None or k is Ellipsis or isinstance(k, bool):
            continue
        a = _advanced(k)
        used += a.ndim if a is not None and a.dtype.name in ("bool", "uint8") else 1
    if used > t.ndim:
        raise IndexError(f"too many indices for tensor of dimension {t.ndim}")
    dim, indices = 0, []
    for k in keys:
        if k is Ellipsis:
            skip = t.ndim - dim - (used - _consumed(keys, k))
            indices += [None] * skip
            dim += skip
        elif k is None:
            t = _ops.unsqueeze(t, dim)
            indices.append(None)
            dim += 1
        elif isinstance(k, bool):
            t = _ops.unsqueeze(t, dim)
            from . import tensor
            indices.append(tensor([k]))
            dim += 1
        elif isinstance(k, slice):
            if not (k.start is None and k.stop is None and k.step in (None, 1)):
                t = _slice(t, dim, k)
            indices.append(None)
            dim += 1
        else:
            a = _advanced(k)
            if a is not None and a.ndim == 0 and a.dtype.name not in ("bool", "uint8"):
                k, a = a.item(), None
            if a is None:
                t = _ops.select(t, dim, _index(k))
                continue
            indices.append(a)
            dim += a.ndim if a.dtype.name in ("bool", "uint8") else 1
    return t, indices if any(i is not None for i in indices) else []


def _consumed(keys, at):
    """How many dims the keys before the ellipsis use."""
    n = 0
    for k in keys:
        if k is at:
            return n
        if k is None or isinstance(k, bool):
            continue
        a = _advanced(k)
        n += a.ndim if a is not None and a.dtype.name in ("bool", "uint8") else 1
    return n


def _slice(t, dim, k):
    step = 1 if k.step is None else _index(k.step)
    if step <= 0:
        raise ValueError("step must be greater than zero")
    return _ops.slice(t, dim, None if k.start is None else _index(k.start),
                      None if k.stop is None else _index(k.stop), step)


def get(t, key):
    if type(key) is int:
        return _ops.select(t, 0, key)
    view, indices = _split(t, key)
    if indices:
        return _ops.index(view, indices)
    return view if view is not t else alias(t)


def put(t, key, value):
    view, indices = _split(t, key)
    if not isinstance(value, TensorBase):
        from . import tensor
        value = tensor(value, dtype=t.dtype)
    if indices:
        given = [i for i in indices if i is not None]
        if value.ndim == 0 and len(given) == 1 and given[0].dtype.name in ("bool", "uint8"):
            value = value.to(t.dtype)  # as masked_fill takes it
        # Leading dims of size 1 that the indexed part lacks are dropped, as torch does.
        if value.ndim > 1 and value.shape[0] == 1:
            value = _without_leading_ones(value, _ops.index(view.detach(), indices).ndim)
        _ops.index_put_(view, indices, value, False)
        return
    view.copy_(_without_leading_ones(value, view.ndim))


def _without_leading_ones(t, ndim):
    while t.ndim > ndim and t.shape[0] == 1:
        t = _ops.select(t, 0, 0)
    return t
