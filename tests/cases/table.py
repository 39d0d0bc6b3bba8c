# The op-case table: what a row is and the helpers that make rows. One row an op of capi/api.toml.
# tests/python/test_ops.py runs all checks on every row; tests/golden/gen_ops.py makes its goldens.
#
# A row names its op and gives samples: calls of the op. Arguments are those of api.toml, by
# position or by Python's name; a NumPy array stands for a tensor, a list of arrays for a list of
# tensors, DType("float32") for a dtype. Gradients are checked for the tensors given by position.
# A row for a new unary op is one line:
#
#   unary("gelu", (-4, 4))
import importlib
import itertools
import math
import pathlib
import pkgutil
import sys
import zlib

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "capi"))
import gen_model  # noqa: E402

FLOATS = ("float32", "float64", "float16", "bfloat16")
INTS = ("int64", "int32", "int16", "int8", "uint8", "bool")
DTYPES = FLOATS + INTS


class DType(str):
    """A dtype argument, by name."""


class Sample:
    """One call of an op."""

    def __init__(self, *args, **kwargs):
        self.args, self.kwargs = args, kwargs
        self.smooth = True  # finite differences hold: no kink, no infinity
        self.gradients = True

    def kink(self):
        """Compared with goldens, also its gradient, but not with finite differences."""
        self.smooth = False
        return self

    def forward(self, only=True):
        """Without gradients (where PyTorch's own are a matter of luck)."""
        self.gradients = not only
        return self

    def arrays(self):
        """All its tensors, in order."""
        return [a for v in (*self.args, *self.kwargs.values())
                for a in (v if isinstance(v, (list, tuple)) else [v]) if isinstance(a, np.ndarray)]

    def map(self, f):
        """The same call with every tensor replaced by f(array, its number)."""
        number = itertools.count()

        def one(v):
            return f(v, next(number)) if isinstance(v, np.ndarray) else v

        def argument(v):
            return type(v)(map(one, v)) if isinstance(v, (list, tuple)) else one(v)

        return [argument(v) for v in self.args], {k: argument(v) for k, v in self.kwargs.items()}


S = Sample


class Maker:
    """Makes the tensors of a row's samples for one dtype. Values depend on the op's name alone.

    Floats have 8 significant bits, so that every floating dtype gets the very same numbers and one
    golden in float64 serves all; the last of the 8 is 1, so that none is an integer or a half.
    """

    def __init__(self, name, dtype, domain=(-4, 4), seed=0):
        self.dtype, self.domain = DType(dtype), domain
        self.floating, self.name = dtype in FLOATS, name
        self.numpy_dtype = np.dtype("float32" if dtype == "bfloat16" else dtype)
        self._random = np.random.RandomState(zlib.crc32(f"{name}/{seed}".encode()))

    def __call__(self, *shape, domain=None):
        """Values of the domain."""
        u = self._random.random_sample(shape)
        low, high = domain or self.domain
        if self.floating:
            return self._odd(low + (high - low) * u)
        return self._whole(low, high, u)

    def _odd(self, x):
        fraction, exponent = np.frexp(x)
        m = np.floor(np.abs(fraction) * 256).astype(np.int64) | 1
        return np.asarray(np.copysign(np.ldexp(m / 256, exponent), x), self.numpy_dtype)

    def _whole(self, low, high, u):
        if self.dtype == "bool":
            return np.asarray(u < 0.6)
        low, high = math.ceil(low), math.floor(high)
        if self.dtype == "uint8":
            low, high = max(low, 0), max(high, 1)
        return np.asarray(low + np.floor(u * max(high - low + 1, 1)), self.numpy_dtype)

    def floats(self, *shape, domain=None):
        """Floating values also when the dtype is of integers (weights, probabilities)."""
        if self.floating:
            return self(*shape, domain=domain)
        low, high = domain or self.domain
        return np.asarray(low + (high - low) * self._random.random_sample(shape), np.float32)

    def distinct(self, *shape):
        """Up to 120 values that are all different, around 0: for ops that depend on the order."""
        n = int(np.prod(shape))
        order = self._random.permutation(n).reshape(shape)
        if self.floating:
            return np.asarray((2 * order + 1 - n // 2 * 2) / 16, self.numpy_dtype)
        if self.dtype == "bool":
            return np.asarray(order < n * 0.6)
        return np.asarray(order - (0 if self.dtype == "uint8" else n // 2), self.numpy_dtype)

    def special(self):
        """Zeros, ones, halves, infinities, NaN; of integers the smallest and largest."""
        if self.floating:
            # NaN and infinities first: in PyTorch the tail of a vector loop may treat them otherwise.
            return np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1, -1, 0.5, -0.5, 2, -2.5, 40, -40],
                            self.numpy_dtype)
        if self.dtype == "bool":
            return np.array([True, False])
        info = np.iinfo(self.numpy_dtype)
        return np.array([0, 1, 2, info.min, info.max, info.max // 2], self.numpy_dtype)

    def index(self, below, *shape):
        """int64 indices from 0 on."""
        return np.asarray(self._random.randint(0, below, shape), np.int64)

    def order(self, n):
        """All indices below n, in some order."""
        return self._random.permutation(n).astype(np.int64)

    def mask(self, *shape):
        return np.asarray(self._random.random_sample(shape) < 0.5)

    def integer(self, low, high):
        return int(self._random.randint(low, high))


class Row:
    """A row of the table.

    samples     m -> [S(...), ...] with tensors made by the Maker m
    domain      of m's values
    tol         |difference| allowed, in units of the dtype's epsilon, relative and absolute
    half_tol    the same for float16 and bfloat16
    torch       the reference, (torch, *args, **kwargs) -> result; by default torch's function or
                method of the op's name in Python
    pointwise   each element of the result depends on the same element of the inputs only; then
                lengths around those of vectors and expanded inputs are tried too
    per_dtype   a golden for each floating dtype, compared exactly (drawing, creation)
    layouts     inputs of other memory layouts give the same values
    meta        shape and dtype of the result do not depend on the values
    strides     the result is a view: its strides and what it shares are compared too
    nograd      which tensors, counted from 0, have no gradient (those given by name never do)
    twice       the gradient can be differentiated again
    mixed       operands of two dtypes promote as in PyTorch; no: they are refused, or ours promotes
                where PyTorch writes into a tensor of one operand's dtype
    one_device  tensors on two devices are an error
    values      the result's values are defined (not so for empty)
    errors      m -> [(S(...), text that the message must hold), ...]
    bench       m -> [S(...), ...] to time; by default the largest sample
    """

    def __init__(self, name, samples, domain=(-4, 4), tol=16, half_tol=4, torch=None,
                 pointwise=False, per_dtype=False, layouts=True, meta=True, strides=False,
                 nograd=(), twice=True, mixed=True, one_device=True, values=True, errors=None,
                 bench=None):
        self.name, self.make, self.domain, self.tol, self.half_tol = name, samples, domain, tol, half_tol
        self.torch, self.pointwise, self.per_dtype, self.layouts = torch, pointwise, per_dtype, layouts
        self.meta, self.strides, self.nograd, self.twice = meta, strides, tuple(nograd), twice
        self.one_device, self.mixed, self.values = one_device, mixed, values
        self._errors, self._bench = errors, bench

    def maker(self, dtype, seed=0):
        return Maker(self.name, dtype, self.domain, seed)

    def samples(self, dtype, seed=0):
        return self.make(self.maker(dtype, seed))

    def errors(self):
        return self._errors(self.maker("float32")) if self._errors else []

    def bench(self, dtype="float32"):
        if self._bench:
            return self._bench(self.maker(dtype))
        return [max(self.samples(dtype), key=lambda s: sum(a.size for a in s.arrays()))]


# --- rows of the usual kinds -------------------------------------------------------------------
BENCH = 1 << 20  # elements


def unary(name, domain=(-4, 4), *extra, special=True, **options):
    """An elementwise function of one tensor; `extra` are further arguments, each a dict or tuple:
    unary("elu", (-4, 4), (0.5,), dict(alpha=2.0))."""

    def samples(m):
        out = [S(m(17)), S(m(3, 5)), S(m()), S(m(1)), S(m(0)), S(m(2, 0, 3))]
        for more in extra:
            out.append(S(m(2, 4), **more) if isinstance(more, dict) else S(m(2, 4), *more))
        return out + [S(m.special()).kink()] * special

    options.setdefault("bench", lambda m: [S(m(64)), S(m(BENCH))])
    return Row(name, samples, domain, pointwise=True, **options)


def binary(name, domain=(-4, 4), second=None, *extra, special=True, scalars=True, **options):
    """An elementwise function of two tensors that broadcast; `second` is the other's domain. Python
    numbers take part where the op takes scalars."""

    def samples(m):
        def other(*shape):
            return m(*shape, domain=second or domain)

        low, high = second or domain
        number = 2 if low <= 2 <= high else high
        out = [S(m(17), other(17)), S(m(3, 1), other(5)), S(m(2, 3), other()), S(m(), other(4)),
               S(m(1), other(1)), S(m(0), other(0)), S(m(3, 0), other(1))]
        if scalars:
            out += [S(m(5), number), S(m(5), number + 0.25)]
        for more in extra:
            out.append(S(m(5), other(5), **more) if isinstance(more, dict) else
                       S(m(5), other(5), *more))
        if special:
            values = m.special()
            a, b = np.meshgrid(values, values)
            out.append(S(a.ravel(), b.ravel()).kink())
        return out

    options.setdefault("bench", lambda m: [S(m(64), m(64, domain=second)),
                                           S(m(BENCH), m(BENCH, domain=second))])
    options.setdefault("errors", lambda m: [(S(m(2, 3), m(4, 5)), "shape mismatch")])
    return Row(name, samples, domain, pointwise=True, **options)


def reduction(name, domain=(-2, 2), *extra, many=True, whole=True, distinct=False, empty=True,
              single=True, **options):
    """A reduction over dims (`many`: of a list of them) with keepdim; `whole`: over all without a
    dim. `empty`: also of nothing. `single`: one element has a gradient."""

    def samples(m):
        x = m.distinct if distinct else m
        out = [S(x(7), dim=0), S(x(3, 5), dim=1), S(x(3, 5), dim=-2, keepdim=True),
               S(x(), dim=0).forward(not single),
               S(x(2, 3, 4), dim=1), S(x(2, 0), dim=0), S(x(19, 2), dim=0), S(x(2, 33), dim=1)]
        if whole:
            out += [S(x(3, 5)), S(x()).forward(not single), S(x(1)).forward(not single)]
        if many:
            out += [S(x(2, 3, 4), dim=(0, 2)), S(x(2, 3, 4), dim=(1, -1), keepdim=True),
                    S(x(2, 3), dim=(0, 1))]
        if empty:
            out += [S(x(2, 0), dim=1)] + [S(x(0))] * whole
        return out + [S(x(3, 4), **more) for more in extra]

    options.setdefault("tol", 64)
    options.setdefault("errors", lambda m: [(S(m(2, 3), dim=5), "dim"), (S(m(2, 3), dim=-3), "dim")])
    options.setdefault("bench", lambda m: [S(m(8, 8), dim=1), S(m(1024, 1024), dim=1),
                                           S(m(1024, 1024), dim=0)])
    return Row(name, samples, domain, **options)


def view(name, samples, **options):
    """A view: strides and sharing are those of torch."""
    options.setdefault("strides", True)
    options.setdefault("bench", lambda m: [samples(m)[0]])
    return Row(name, samples, tol=0, half_tol=0, **options)


def creation(name, samples, **options):
    """A new tensor of values that depend on the dtype; compared exactly."""
    options.setdefault("tol", 0)
    return Row(name, samples, per_dtype=True, layouts=False, **options)


def loss(name, first=(-3, 3), target=(-3, 3), *extra, **options):
    """A loss of input and target of one shape with its reductions."""

    def samples(m):
        def pair(*shape):
            return m(*shape), m.floats(*shape, domain=target)

        out = [S(*pair(3, 5), reduction=r) for r in ("mean", "sum", "none")]
        out += [S(*pair(17)), S(*pair()), S(*pair(1)), S(*pair(0), reduction="none"),
                S(*pair(0), reduction="sum"), S(*pair(33), reduction="sum")]
        return out + [S(*pair(2, 4), **more) for more in extra]

    options.setdefault("tol", 64)
    options.setdefault("bench", lambda m: [S(m(64), m(64, domain=target)),
                                           S(m(BENCH), m(BENCH, domain=target))])
    return Row(name, samples, first, **options)


# --- the table ---------------------------------------------------------------------------------
def load_api():
    """{name: op of api.toml}"""
    return {op.name: op for op in gen_model.load(ROOT / "capi/api.toml").ops}


def load_rows():
    """{family file: {name: row}} of all files beside this one."""
    folder = pathlib.Path(__file__).parent
    sys.path.insert(0, str(folder.parent))
    families = {}
    for found in sorted(m.name for m in pkgutil.iter_modules([str(folder)])):
        if found in ("case", "check", "golden", "table"):
            continue
        rows = importlib.import_module("cases." + found).ROWS
        families[found] = {row.name: row for row in rows}
        if len(families[found]) != len(rows):
            raise ValueError(f"tests/cases/{found}.py has two rows of one name")
    return families
