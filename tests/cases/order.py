# Rows of sorting, order statistics, searching and counting.
import numpy as np

from cases.table import Row, S


def ties(m, *shape):
    """Few values, so that many are equal."""
    return m(*shape, domain=(0, 3))


def ordered(name, **options):
    """sort and its kin: dim, descending, stable."""
    return Row(name, lambda m: [S(m.distinct(7)), S(m.distinct(3, 5), 0), S(m.distinct(3, 5), 1, True), S(m()), S(m(0)),
                                S(m.distinct(2, 33), -1, True), S(m.special(), 0).forward(),
                                S(ties(m, 40), 0, True, True).forward(), S(m.distinct(100))],
               errors=lambda m: [(S(m(2, 3), 2), "dim")], bench=lambda m: [S(m(64)), S(m(1 << 20)), S(m(1024, 1024))],
               torch=lambda torch, x, dim=-1, descending=False, stable=False:
               (torch.sort if name == "sort" else torch.argsort)(x, dim=dim, descending=descending, stable=stable),
               **options)


def along(name, *more, **options):
    """One value of each row: dim, keepdim behind the arguments `more`."""
    return Row(name, lambda m: [S(m.distinct(7), *more, 0), S(m.distinct(3, 5), *more, 1),
                                S(m.distinct(3, 6), *more, 0, True),
                                S(m.distinct(2, 33), *more, -1), S(m.special(), *more, 0).forward(),
                                S(ties(m, 3, 50), *more, 1).forward()],
               errors=lambda m: [(S(m(2, 3), *more, 2), "dim")], bench=lambda m: [S(m(1024, 1024), *more, 1)],
               **options)


def whole(name):
    return Row(name, lambda m: [S(m.distinct(17)), S(m.distinct(3, 6)), S(m()), S(m.special()).forward()],
               torch=lambda torch, x: getattr(torch, name)(x), bench=lambda m: [S(m(1 << 20))])


def quantiles(name):
    def samples(m):
        out = [S(m.distinct(7), 0.4), S(m.distinct(3, 5), m(3, domain=(0, 1)), 1), S(m.distinct(3, 5), 0.5, 0, True)]
        out += [S(m.distinct(2, 6), m.floats(2, domain=(0, 1)), -1, False, kind)
                for kind in ("lower", "higher", "midpoint", "nearest")]
        return out + [S(m.distinct(), 0.3), S(m.special(), 0.5).forward(),
                      S(m.distinct(2, 3, 4), m(2, domain=(0, 1)), 1, True)]

    return Row(name, samples, tol=64, nograd=(1,), one_device=False, meta=name == "quantile",
               torch=lambda torch, x, q, dim=None, keepdim=False, kind="linear":
               getattr(torch, name)(x, q, dim, keepdim, interpolation=kind),
               errors=lambda m: [(S(m(3), 1.5), "q out of range"), (S(m(0), 0.5), "no values"),
                                 (S(m(3), 0.5, 0, False, "cubic"), "unknown interpolation")])


def sorted_row(m, *shape):
    return np.sort(m(*shape), axis=-1)


def places(m):
    sequence = sorted_row(m, 9)
    return [S(sequence, m(3, 4)), S(sequence, sequence), S(sequence, sequence, False, True), S(sequence, m(2), True),
            S(sorted_row(m, 2, 5), m(2, 3), False, False, "right"), S(sequence, 1), S(sequence, m()),
            S(sequence[::-1].copy(), m(4), False, False, None, np.arange(9)[::-1].copy()), S(sorted_row(m, 3), m(0))]


def distinct_values(m):
    return [S(ties(m, 9)), S(ties(m, 3, 4), True, True, True), S(ties(m, 50), True, False, True), S(m(0)), S(m())]


def counted(m):
    x = np.array([0, 3, 1, 1, 5])
    return [S(x), S(x, None, 8), S(x, m.floats(5)), S(np.zeros(0, np.int64), None, 3)]


def in_bins(m):
    return [S(m(17)), S(m(17), 5, -1.0, 2.0), S(m(3, 4), 3), S(m(), 4), S(np.full(3, 2, m.numpy_dtype), 4)]


def histograms(m):
    edges = np.sort(m.distinct(4))
    return [S(m(17), 5), S(m(17), edges), S(m(3, 4), 4, np.array([-1.0, 2.0])),
            S(m(6), 3, None, m(6, domain=(0, 2)), True)]


def point_histograms(m):
    return [S(m(6, 2), [np.array(2), np.array(3)], None, None),
            S(m(6, 2), [np.sort(m.distinct(4)), np.sort(m.distinct(3))], None, None),
            S(m(2, 3, 2), [np.array(2), np.array(2)], None, m(2, 3, domain=(0, 2)), True)]


def torch_histogram(torch, x, bins, range=None, weight=None, density=False):
    options = {} if range is None else {"range": tuple(range.tolist())}
    return list(torch.histogram(x, bins, weight=weight, density=density, **options))


def torch_histogramdd(torch, x, bins, range=None, weight=None, density=False):
    hist, edges = torch.histogramdd(x, [int(b) if b.ndim == 0 else b for b in bins], weight=weight, density=density)
    return [hist, *edges]


def asked(results, *wanted):
    """What was not asked for has no elements."""
    return [r if w else r.new_empty(0) for r, w in zip(results, (True, *wanted))]


def unique_results(torch, x, sorted=True, inverse=False, counts=False):
    return asked(torch._unique2(x, sorted, True, True), inverse, counts)


def unique_along(torch, x, dim, inverse=False, counts=False):
    return asked(torch._VF.unique_dim(x, dim, True, True, True), inverse, counts)


def unique_runs(torch, x, inverse=False, counts=False, dim=None):
    return asked(torch._VF.unique_consecutive(x, return_inverse=True, return_counts=True, dim=dim), inverse, counts)


PLAIN = dict(meta=False, one_device=False, nograd=(0, 1, 2))

ROWS = [
    ordered("sort"),
    ordered("argsort"),
    Row("msort", lambda m: [S(m.distinct(7)), S(m.distinct(5, 3)), S(m(0, 2))]),
    Row("topk", lambda m: [S(m.distinct(7), 3), S(m.distinct(5, 4), 2, 0), S(m.distinct(3, 5), 5, 1, False), S(m(3), 0),
                           S(m.distinct(2, 33), 4, -1, True, True), S(m(), 1), S(m.special(), 5, 0).forward(),
                           S(m.distinct(100), 1), S(ties(m, 90), 60, 0).forward(),
                           S(ties(m, 90), 1, 0, False).forward()],
        errors=lambda m: [(S(m(3), 4), "k out of range"), (S(m(3), -1), "k out of range"), (S(m(2, 3), 1, 2), "dim")],
        bench=lambda m: [S(m(1 << 20), 10), S(m(1024, 1024), 100)]),
    along("kthvalue", 2),
    whole("median"),
    along("median_dim"),
    whole("nanmedian"),
    along("nanmedian_dim"),
    along("mode"),
    quantiles("quantile"),
    quantiles("nanquantile"),
    Row("searchsorted", places, one_device=False, meta=False, layouts=False,
        torch=lambda torch, s, v, out_int32=False, right=False, side=None, sorter=None: torch.searchsorted(
            s, v, out_int32=out_int32, right=right, **({"side": side} if side else {}), sorter=sorter),
        errors=lambda m: [(S(m(2, 3), m(4)), "shape mismatch"), (S(m(3), m(4), False, True, "left"), "contradiction")]),
    Row("bucketize", lambda m: [S(m(3, 4), sorted_row(m, 5)), S(m(7), sorted_row(m, 5), False, True),
                                S(m(3), sorted_row(m, 2), True), S(m(), sorted_row(m, 4)), S(m(0), sorted_row(m, 4))],
        layouts=False, torch=lambda torch, x, b, i=False, r=False: torch.bucketize(x, b, out_int32=i, right=r),
        errors=lambda m: [(S(m(3), m(2, 3)), "shape mismatch")]),
    Row("isin", lambda m: [S(ties(m, 9), ties(m, 2)), S(ties(m, 3, 4), ties(m, 50)),
                           S(ties(m, 5), ties(m, 2), False, True),
                           S(m(3), m(0)), S(m(0), m(3))],
        torch=lambda torch, x, t, u=False, i=False: torch.isin(x, t, assume_unique=u, invert=i)),
    Row("unique", distinct_values, torch=unique_results, layouts=False, **PLAIN),
    Row("unique_dim", lambda m: [S(ties(m, 7, 2), 0, True, True), S(ties(m, 2, 9), 1, True, True), S(ties(m, 5), 0),
                                 S(ties(m, 2, 6, 1), -2, False, True)], torch=unique_along, layouts=False,
        errors=lambda m: [(S(m(2, 3), 2), "dim")], **PLAIN),
    Row("unique_consecutive", lambda m: [S(ties(m, 20), True, True), S(ties(m, 7, 1), True, True, 0), S(m()), S(m(0)),
                                         S(ties(m, 3, 4), False, True)],
        torch=unique_runs,
        errors=lambda m: [(S(m(2, 3), False, False, 2), "dim")], **PLAIN),
    Row("bincount", counted, tol=64, **PLAIN,
        errors=lambda m: [(S(m(3)), "wrong input"), (S(np.array([-1])), "out of range")]),
    Row("histc", in_bins, torch=lambda torch, x, bins=100, low=0, high=0: torch.histc(x, bins, low, high),
        errors=lambda m: [(S(m(3), 0), "bins out of range"), (S(m(3), 3, 2.0, 1.0), "out of order")], **PLAIN),
    Row("histogram", histograms, tol=64, torch=torch_histogram, layouts=False,
        errors=lambda m: [(S(m(3), 0), "bins out of range")], **PLAIN),
    Row("histogramdd", point_histograms, tol=64, torch=torch_histogramdd, layouts=False,
        errors=lambda m: [(S(m(3), [m(3)], None, None), "shape mismatch")], **PLAIN),
]
