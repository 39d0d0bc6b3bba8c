"""torch.masked: reductions, scans and softmax over the elements that a mask keeps.

A mask is bool (True keeps) and broadcasts to the input. Elements that it drops stand for the
operation's identity; without a mask all are kept.
"""
from . import _ops
from ._runtime import bool_, float32, int64

_inf, _nan = float("inf"), float("nan")


def _limit(dtype, largest):
    """The identity of amin (largest) or amax in a dtype."""
    if dtype.is_floating_point:
        return _inf if largest else -_inf
    if dtype is bool_:
        return largest
    bits = 8 * dtype.itemsize
    low, high = (0, 2**bits - 1) if dtype.name[0] == "u" else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    return high if largest else low


def _kept(input, mask):
    """The mask as bool, in the input's shape."""
    if mask is None:
        return None
    if mask.ndim > input.ndim:
        raise IndexError("_input_mask expected broadcastable mask (got mask dimensionality higher than of the input)")
    if mask.dtype is not bool_:
        mask = _ops.ne(mask, 0)
    return _ops.expand(mask, input.shape)


def _filled(input, mask, identity):
    mask = _kept(input, mask)
    if mask is None:
        return input
    from . import full
    return _ops.where(mask, input, full((), identity, dtype=input.dtype))


def _dims(dim, ndim):
    """Sorted dims; None and () are all of them."""
    if dim is None or (isinstance(dim, (tuple, list)) and len(dim) == 0):
        return tuple(range(ndim))
    given = (dim,) if isinstance(dim, int) else tuple(dim)
    n = max(ndim, 1)
    wrapped = []
    for d in given:
        if d in wrapped:
            raise RuntimeError(f"dim={d} appears multiple times in the list of dims")
        if not -n <= d < n:
            raise IndexError(f"Dimension out of range (expected to be in range of [{-n}, {n - 1}], but got {d})")
        wrapped.append(d % n)
    return tuple(sorted(wrapped))


def _count(input, dims, keepdim, mask):
    """How many elements are kept, int64."""
    if mask is None:
        from . import ones
        kept = _ops.expand(ones((1,) * input.ndim, dtype=int64), input.shape)
    else:
        kept = _kept(input, mask)
    return _ops.sum(kept, dims, bool(keepdim), int64)


def _wide(dtype, input):
    """What integers are summed in."""
    if dtype is not None:
        return dtype
    return input.dtype if input.dtype.is_floating_point or input.is_complex() else int64


def sum(input, dim=None, *, keepdim=False, dtype=None, mask=None):
    dtype = _wide(dtype, input)
    return _ops.sum(_filled(input, mask, 0), _dims(dim, input.ndim), bool(keepdim), dtype)


def prod(input, dim=None, *, keepdim=False, dtype=None, mask=None):
    result = _filled(input, mask, 1).to(_wide(dtype, input))
    for d in reversed(_dims(dim, input.ndim)):
        result = _ops.prod(result, d, bool(keepdim))
    return result


def logsumexp(input, dim=None, *, keepdim=False, dtype=None, mask=None):
    result = _ops.logsumexp(_filled(input, mask, _limit(input.dtype, False)), _dims(dim, input.ndim), bool(keepdim))
    return result.to(dtype or input.dtype)


def _extreme(op, largest):
    def reduce(input, dim=None, *, keepdim=False, dtype=None, mask=None):
        filled = _filled(input, mask, _limit(input.dtype, largest))
        return op(filled, _dims(dim, input.ndim), bool(keepdim)).to(dtype or input.dtype)

    return reduce


amax = _extreme(_ops.amax, False)
amin = _extreme(_ops.amin, True)


def _position(op, largest):
    def reduce(input, dim=None, *, keepdim=False, dtype=None, mask=None):
        return op(_filled(input, mask, _limit(input.dtype, largest)), dim, bool(keepdim)).to(dtype or input.dtype)

    return reduce


argmax = _position(_ops.argmax, False)
argmin = _position(_ops.argmin, True)


def mean(input, dim=None, *, keepdim=False, dtype=None, mask=None):
    dims = _dims(dim, input.ndim)
    total = sum(input, dims or None, keepdim=keepdim, dtype=dtype or input.dtype, mask=mask)
    return total / _count(input, dims, keepdim, mask)


def median(input, dim=-1, *, keepdim=False, dtype=None, mask=None):
    values = input if input.dtype.is_floating_point or input.is_complex() else input.to(float32)
    (d,) = _dims(dim, input.ndim)
    result, _ = _ops.nanmedian_dim(_filled(values, mask, _nan), d, bool(keepdim))
    if input.dtype.is_floating_point:
        return result
    if bool(_ops.isnan(result).any()):
        raise ValueError("masked median expects no fully masked out rows if dtype is not floating point")
    return result.to(dtype or input.dtype)


def norm(input, ord=2.0, dim=None, *, keepdim=False, dtype=None, mask=None):
    values = _filled(input, mask, _inf if ord == -_inf else 0)
    values = values.to(dtype or input.dtype)
    return _ops.norm(values, float(ord), _dims(dim, input.ndim), bool(keepdim))


def _variance(input, dim, unbiased, keepdim, dtype, mask):
    dtype = dtype or input.dtype
    compute = dtype if dtype.is_floating_point else float32
    dims = _dims(dim, input.ndim)
    values = input.to(compute)
    count = _count(input, dims, True, mask)
    centre = sum(values, dims or None, keepdim=True, dtype=compute, mask=mask) / count
    deviation = values - centre
    total = sum(deviation * deviation, dims or None, keepdim=keepdim, dtype=compute, mask=mask)
    count = _ops.reshape(count, total.shape)
    if unbiased:
        count = _ops.clamp_min(count - 1, 0)
    return (total / count).to(compute)


def var(input, dim=None, unbiased=False, *, keepdim=False, dtype=None, mask=None):
    return _variance(input, dim, unbiased, keepdim, dtype, mask)


def std(input, dim=None, unbiased=False, *, keepdim=False, dtype=None, mask=None):
    return _ops.sqrt(_variance(input, dim, unbiased, keepdim, dtype, mask))


def _scan(op, identity):
    def scan(input, dim, *, dtype=None, mask=None):
        (d,) = _dims(dim, input.ndim)
        return op(_filled(input, mask, identity), d, dtype or input.dtype)

    return scan


cumsum = _scan(_ops.cumsum, 0)
cumprod = _scan(_ops.cumprod, 1)


def softmax(input, dim, *, dtype=None, mask=None):
    (d,) = _dims(dim, input.ndim)
    return _ops.softmax(_filled(input, mask, _limit(input.dtype, False)), d, dtype or input.dtype)


def log_softmax(input, dim, *, dtype=None, mask=None):
    (d,) = _dims(dim, input.ndim)
    return _ops.log_softmax(_filled(input, mask, _limit(input.dtype, False)), d, dtype or input.dtype)


def softmin(input, dim, *, dtype=None, mask=None):
    (d,) = _dims(dim, input.ndim)
    return _ops.softmin(_filled(input, mask, _limit(input.dtype, True)), d, dtype or input.dtype)


def normalize(input, ord, dim, *, eps=1e-12, dtype=None, mask=None):
    (d,) = _dims(dim, input.ndim)
    length = norm(input, ord, d, keepdim=True, dtype=dtype, mask=mask)
    return _filled(input, mask, 0) / _ops.clamp_min(length, eps)


def logaddexp(input, other, *, dtype=None, input_mask=None, other_mask=None):
    result = _ops.logaddexp(_filled(input, input_mask, -_inf), _filled(other, other_mask, -_inf))
    return result.to(dtype or input.dtype)
