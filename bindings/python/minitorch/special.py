"""torch.special: special functions."""
from . import _api_math, _ops

for _name, (_, _, _namespace) in _ops.TABLE.items():
    if _namespace == "special":
        globals()[_name.removeprefix("special_")] = getattr(_ops, _name)

# torch.special's names of ops that are elsewhere as well.
for _name, _target in (("digamma", "digamma"), ("psi", "digamma"), ("gammaln", "lgamma"),
                       ("multigammaln", "mvlgamma"), ("gammainc", "igamma"), ("gammaincc", "igammac"),
                       ("erf", "erf"), ("erfc", "erfc"), ("erfinv", "erfinv"), ("exp2", "exp2"),
                       ("expm1", "expm1"), ("log1p", "log1p"), ("expit", "sigmoid"), ("logit", "logit"),
                       ("sinc", "sinc"), ("xlogy", "xlogy"), ("i0", "i0"), ("round", "round")):
    globals()[_name] = getattr(_ops, _target)

polygamma = _api_math.polygamma


def softmax(input, dim, *, dtype=None):
    return _ops.softmax(input, dim, dtype)


def log_softmax(input, dim, *, dtype=None):
    return _ops.log_softmax(input, dim, dtype)


def logsumexp(input, dim, keepdim=False):
    from . import logsumexp as op
    return op(input, dim, keepdim)
