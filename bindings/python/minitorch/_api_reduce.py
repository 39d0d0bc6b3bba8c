"""torch's signatures of reductions, scans, sorting, searching and random numbers, where they differ
from the C functions'.
"""
from __future__ import annotations

from typing import overload

from . import _ops
from ._results import named
from ._runtime import TensorBase, _ints

FUNCTIONS_ONLY = {"aminmax", "std_mean", "var_mean", "searchsorted", "bucketize", "isin", "gradient", "trapezoid",
                  "trapz", "cumulative_trapezoid", "histogramdd", "segment_reduce"}
METHODS_ONLY = {"sum_to_size"}
ALIASES = {}


_Sort = named("sort", "values indices")
_TopK = named("topk", "values indices")
_Kth = named("kthvalue", "values indices")
_Mode = named("mode", "values indices")
_Median = named("median", "values indices")
_NanMedian = named("nanmedian", "values indices")
_CumMax = named("cummax", "values indices")
_CumMin = named("cummin", "values indices")
_AMinMax = named("aminmax", "min max")
_Histogram = named("histogram", "hist bin_edges")
_HistogramDD = named("histogramdd", "hist bin_edges")


def _correction(unbiased, correction):
    return (1 if unbiased is None or unbiased else 0) if correction is None else correction


# --- sorting ---------------------------------------------------------------------------------
def sort(input, dim: int = -1, descending=False, stable=False) -> _Sort:
    return _Sort(*_ops.sort(input, dim, descending, bool(stable)))


def argsort(input, dim: int = -1, descending=False, stable=False) -> Tensor:
    return _ops.argsort(input, dim, descending, bool(stable))


def topk(input, k, dim: int = -1, largest=True, sorted=True) -> _TopK:
    return _TopK(*_ops.topk(input, k, dim, largest, sorted))


def kthvalue(input, k, dim: int = -1, keepdim=False) -> _Kth:
    return _Kth(*_ops.kthvalue(input, k, dim, keepdim))


def mode(input, dim: int = -1, keepdim=False) -> _Mode:
    return _Mode(*_ops.mode(input, dim, keepdim))


@overload
def median(input) -> Tensor: ...
@overload
def median(input, dim: int, keepdim: bool = False) -> _Median: ...
def median(input, dim=None, keepdim=False):
    return _ops.median(input) if dim is None else _Median(*_ops.median_dim(input, dim, keepdim))


@overload
def nanmedian(input) -> Tensor: ...
@overload
def nanmedian(input, dim: int, keepdim: bool = False) -> _NanMedian: ...
def nanmedian(input, dim=None, keepdim=False):
    if dim is None:
        return _ops.nanmedian(input)
    return _NanMedian(*_ops.nanmedian_dim(input, dim, keepdim))


def quantile(input, q: Tensor | Number, dim=None, keepdim=False, *, interpolation="linear") -> Tensor:
    return _ops.quantile(input, q, dim, keepdim, interpolation)


def nanquantile(input, q: Tensor | Number, dim=None, keepdim=False, *, interpolation="linear") -> Tensor:
    return _ops.nanquantile(input, q, dim, keepdim, interpolation)


# --- searching -------------------------------------------------------------------------------
def searchsorted(sorted_sequence: Tensor, input: Tensor | Number, *, out_int32=False, right=False,
                 side: str | None = None, sorter: Tensor | None = None) -> Tensor:
    return _ops.searchsorted(sorted_sequence, input, out_int32, right, side, sorter)


def bucketize(input: Tensor | Number, boundaries: Tensor, *, out_int32=False, right=False) -> Tensor:
    return _ops.bucketize(input, boundaries, out_int32, right)


def isin(elements: Tensor | Number, test_elements: Tensor | Number, *, assume_unique=False, invert=False) -> Tensor:
    return _ops.isin(elements, test_elements, assume_unique, invert)


def _unique_results(results, return_inverse, return_counts):
    output, inverse, counts = results
    asked = (output,) + ((inverse,) if return_inverse else ()) + ((counts,) if return_counts else ())
    return asked if len(asked) > 1 else output


def unique(input, sorted=True, return_inverse=False, return_counts=False, dim=None):
    if dim is None:
        results = _ops.unique(input, sorted, return_inverse, return_counts)
    else:
        results = _ops.unique_dim(input, dim, return_inverse, return_counts)
    return _unique_results(results, return_inverse, return_counts)


def unique_consecutive(input, return_inverse=False, return_counts=False, dim=None):
    results = _ops.unique_consecutive(input, return_inverse, return_counts, dim)
    return _unique_results(results, return_inverse, return_counts)


@overload
def nonzero(input, *, as_tuple: Literal[False] = False) -> Tensor: ...
@overload
def nonzero(input, *, as_tuple: Literal[True]) -> tuple[Tensor, ...]: ...
def nonzero(input, *, as_tuple=False):
    if not as_tuple:
        return _ops.nonzero(input)
    if input.ndim == 0:
        input = _ops.unsqueeze(input, 0)
    return tuple(_ops.unbind(_ops.nonzero(input), 1))


def _range(values):
    from . import float64, tensor
    return None if values is None else tensor(list(values), dtype=float64)


def histogram(input, bins: Tensor | int = 100, *, range: Sequence[float] | None = None,
              weight: Tensor | None = None, density=False) -> _Histogram:
    return _Histogram(*_ops.histogram(input, bins, _range(range), weight, density))


def histogramdd(input, bins: Any, range: Sequence[float] | None = None, weight: Tensor | None = None,
                density=False) -> _HistogramDD:
    if not isinstance(bins, (list, tuple)):
        bins = [bins] * input.shape[-1]
    hist, *edges = _ops.histogramdd(input, bins, _range(range), weight, density)
    return _HistogramDD(hist, tuple(edges))


# --- scans -----------------------------------------------------------------------------------
def cummax(input, dim: int) -> _CumMax:
    return _CumMax(*_ops.cummax(input, dim))


def cummin(input, dim: int) -> _CumMin:
    return _CumMin(*_ops.cummin(input, dim))


def cumsum_(input, dim, *, dtype=None) -> Tensor:
    return _ops.fill_cumsum_(input, dim)


def cumprod_(input, dim, *, dtype=None) -> Tensor:
    return _ops.fill_cumprod_(input, dim)


def gradient(input, *, spacing: Any = None, dim: Ints | None = None, edge_order=1) -> list[Tensor]:
    if spacing is None:
        spacing = ()
    elif not isinstance(spacing, (list, tuple)):
        spacing = (spacing,)
    return list(_ops.gradient(input, list(spacing), dim, edge_order))


def trapezoid(y: Tensor, x: Tensor | None = None, *, dx: Number | None = None, dim: int = -1) -> Tensor:
    if x is not None:
        return _ops.trapezoid(y, x, dim)
    return _ops.trapezoid_dx(y, 1 if dx is None else dx, dim)


def trapz(y: Tensor, x: Tensor | None = None, *, dx: Number | None = None, dim: int = -1) -> Tensor:
    return trapezoid(y, x, dx=dx, dim=dim)


def cumulative_trapezoid(y: Tensor, x: Tensor | None = None, *, dx: Number | None = None, dim: int = -1) -> Tensor:
    if x is not None:
        return _ops.cumulative_trapezoid(y, x, dim)
    return _ops.cumulative_trapezoid_dx(y, 1 if dx is None else dx, dim)


# --- statistics ------------------------------------------------------------------------------
def aminmax(input, *, dim=None, keepdim=False) -> _AMinMax:
    return _AMinMax(*_ops.aminmax(input, dim, keepdim))


def _deviation(op):
    def call(input, dim=None, unbiased=None, keepdim=False, *, correction=None):
        if isinstance(dim, bool):  # var(unbiased)
            dim, unbiased = None, dim
        return op(input, dim, _correction(unbiased, correction), keepdim)

    return call


var, std = _deviation(_ops.var), _deviation(_ops.std)
var_mean, std_mean = _deviation(_ops.var_mean), _deviation(_ops.std_mean)


def norm(input, p: float | str | None = "fro", dim=None, keepdim=False, out=None, dtype=None) -> Tensor:
    if dtype is not None:
        input = input.to(dtype)
    if p == "nuc":
        from . import linalg
        rows, columns = (0, 1) if dim is None else _ints(dim)
        values = linalg.svdvals(_ops.movedim(input, (rows, columns), (-2, -1)))
        result = _ops.sum(values, -1)
        for d in sorted(d % input.ndim for d in (rows, columns)) if keepdim else ():
            result = _ops.unsqueeze(result, d)
        return result
    return _ops.norm(input, 2.0 if p in (None, "fro") else float(p), dim, keepdim)


def sum_to_size(input, *size: int) -> Tensor:
    return _ops.sum_to_size(input, size[0] if len(size) == 1 else size)


def cov(input, *, correction: int = 1, fweights: Tensor | None = None, aweights: Tensor | None = None) -> Tensor:
    return _ops.cov(input, correction, fweights, aweights)


def segment_reduce(data: Tensor, reduce: str, *, lengths: Tensor | None = None, indices: Tensor | None = None,
                   offsets: Tensor | None = None, axis: int = 0, unsafe=False, initial: Number | None = None) -> Tensor:
    if indices is not None:
        raise NotImplementedError("segment_reduce: indices based reduction is not supported: use lengths")
    if unsafe and lengths is not None:  # which need not add up to the axis then
        from . import cat, zeros
        start = zeros(tuple(lengths.shape[:-1]) + (1,), dtype=lengths.dtype)
        parts = [start, _ops.cumsum(lengths, -1)]
        lengths, offsets = None, cat(parts, -1)
    return _ops.segment_reduce(data, reduce, lengths, offsets, axis, initial)


# --- random ----------------------------------------------------------------------------------
def randint_like(input, low, high=None, *, dtype=None, device=None, requires_grad=False, memory_format=None,
                 layout=None, pin_memory=False):
    if high is None:
        low, high = 0, low
    t = _ops.randint_like(input, low, high, dtype, device)
    return t.requires_grad_() if requires_grad else t


def multinomial(input, num_samples, replacement=False, *, generator=None) -> Tensor:
    return _ops.multinomial(input, num_samples, replacement, generator)


def exponential_(input, lambd: float = 1.0, *, generator=None) -> Tensor:
    return _ops.exponential_(input, lambd, generator)
