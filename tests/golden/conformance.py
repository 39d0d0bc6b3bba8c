#!/usr/bin/python3
"""Runs PyTorch's own OpInfo samples through the Python binding and compares, op name by op name.

An op passes when every sample of float32, float64, int64 and bool gives PyTorch's structure, dtype,
shape, values and gradients. Needs python3-torch; see --help. Last line: "N of M op names pass".
"""
import argparse
import collections
import contextlib
import io
import json
import re
import sys
import traceback
import types
import unittest
import warnings

import numpy as np

# The samples live in PyTorch's test utilities, which want this package for unrelated tests.
_stub = types.ModuleType("expecttest")
_stub.TestCase, _stub.ACCEPT = unittest.TestCase, False
sys.modules.setdefault("expecttest", _stub)
warnings.simplefilter("ignore")

import torch  # noqa: E402
from torch.testing._internal.common_methods_invocations import op_db  # noqa: E402

import minitorch as mt  # noqa: E402

# Names that are no CPU tensor op: CUDA's jiterator, sparse tensors.
LEFT_OUT = re.compile(r"jiterator|sparse\.|to_sparse")
DTYPES = [torch.float32, torch.float64, torch.int64, torch.bool]
COMPLEX = [torch.complex64, torch.complex128]
# Decompositions whose factors have a free sign or phase are compared by what they rebuild.
FREE_FACTORS = {"svd", "linalg.svd", "linalg.eigh", "symeig", "linalg.eig", "pca_lowrank", "svd_lowrank"}
UNINITIALISED = {"empty", "empty_like", "new_empty", "new_empty_strided", "resize_", "resize_as_"}
OPERATORS = {"__rdiv__": "__rtruediv__"}
# OpInfo names of in-place draws, and an OpInfo that calls another function than it names.
IN_PLACE = {"uniform": "uniform_", "exponential": "exponential_", "cauchy": "cauchy_", "log_normal": "log_normal_",
            "geometric": "geometric_"}
REFERENCES = {"rand_like": torch.rand_like}

# OpInfos whose op is PyTorch's function of something made of the sample's tensors.
WRAPPED = {
    ("linalg.pinv", "singular"): lambda f: lambda a, b: f(a @ b.mT),
    ("linalg.lstsq", "grad_oriented"): lambda f: lambda a, b, driver: f(a, b, driver=driver)[0],
    ("svd_lowrank", ""): lambda f: lambda a, b, **kwargs: f(a @ b.mT, **kwargs),
    ("pca_lowrank", ""): lambda f: lambda a, b, **kwargs: f(a @ b.mT, **kwargs),
    ("einsum", ""): lambda f: lambda tensors, equation: f(equation, tensors),
}


class Unsupported(Exception):
    """A sample that uses something outside of the binding's scope (sparse tensors, memory formats)."""


def to_mt(x, requires_grad=True):
    """torch's value as minitorch's: the same strides, the same requires_grad."""
    if isinstance(x, torch.Tensor):
        if x.is_sparse or x.is_quantized or x.dtype == torch.complex32:
            raise Unsupported("sparse or half complex input")
        base = x.detach().resolve_conj().resolve_neg()
        if base.numel() and any(s == 0 and n > 1 for s, n in zip(base.stride(), base.shape)):
            squeezed = base
            for d, (s, n) in enumerate(zip(base.stride(), base.shape)):
                if s == 0 and n > 1:
                    squeezed = squeezed.narrow(d, 0, 1)
            t = to_mt(squeezed.clone(), False).expand(tuple(base.shape))
        elif base.dtype == torch.bfloat16:
            t = mt.from_numpy(base.float().numpy().copy()).to(mt.bfloat16)
        else:
            # A copy with the same strides, so that in-place ops change only ours.
            copied = torch.empty_strided(base.shape, base.stride(), dtype=base.dtype).copy_(base)
            t = mt.from_numpy(copied.numpy())
        if requires_grad and x.requires_grad:
            t.requires_grad_(True)
        return t
    if isinstance(x, torch.nn.PairwiseDistance):  # a distance function of a loss
        return lambda a, b: mt.nn.functional.pairwise_distance(a, b, x.norm, x.eps, x.keepdim)
    if isinstance(x, torch.dtype):
        if x == torch.complex32:
            raise Unsupported("half complex dtype")
        return getattr(mt, str(x).split(".")[1])
    if isinstance(x, torch.device):
        return mt.device(x.type)
    if isinstance(x, (torch.memory_format, torch.layout)):
        raise Unsupported("memory format")
    if isinstance(x, torch.Size):
        return tuple(x)
    if isinstance(x, tuple) and hasattr(x, "_fields"):
        return type(x)(*[to_mt(v) for v in x])
    if isinstance(x, (list, tuple)):
        return type(x)(to_mt(v) for v in x)
    if isinstance(x, dict):
        return {k: to_mt(v) for k, v in x.items()}
    return x


def lookup(name):
    """The binding's callable for an OpInfo name: a function, else a method or operator."""
    target = mt
    for part in OPERATORS.get(name, name).split("."):
        target = getattr(target, part, None)
        if target is None:
            break
    if callable(target):
        return target
    attribute = getattr(mt.Tensor, IN_PLACE.get(name, OPERATORS.get(name, name)), None)
    if attribute is None:
        return None
    if isinstance(attribute, property):
        return lambda x: getattr(x, name)
    return attribute


def flat(x):
    if isinstance(x, (list, tuple)):
        return [v for item in x for v in flat(item)]
    if isinstance(x, dict):
        return [v for item in x.values() for v in flat(item)]
    return [x]


def structure(x):
    if isinstance(x, (list, tuple)):
        return "(" + ",".join(structure(v) for v in x) + ")"
    return "T" if isinstance(x, (torch.Tensor, mt.Tensor)) else type(x).__name__


def tolerance(dtype):
    return {torch.float64: (1e-7, 1e-7), torch.float32: (1.3e-4, 1e-4), torch.float16: (1e-2, 1e-2),
            torch.bfloat16: (2e-2, 2e-2), torch.complex64: (1.3e-4, 1e-4), torch.complex128: (1e-7, 1e-7)}.get(dtype, (0, 0))


def compare(want, got, what, values=True):
    """None, or what differs between a torch tensor and ours."""
    if str(want.dtype).split(".")[1] != str(got.dtype).split(".")[1]:
        return f"{what}: dtype {got.dtype} instead of {want.dtype}"
    if tuple(want.shape) != tuple(got.shape):
        return f"{what}: shape {tuple(got.shape)} instead of {tuple(want.shape)}"
    if not values or want.numel() == 0:
        return None
    want = want.detach().resolve_conj().resolve_neg()
    if want._is_zerotensor():  # has no memory
        want = torch.zeros(want.shape, dtype=want.dtype)
    if want.dtype == torch.bfloat16:
        want, got = want.float(), got.to(mt.float32)
        rtol, atol = 2e-2, 2e-2
    else:
        rtol, atol = tolerance(want.dtype)
    a, b = want.numpy(), got.detach().numpy()
    if a.dtype == bool or a.dtype.kind in "iu":
        same = a == b
    else:
        with np.errstate(all="ignore"):
            same = np.isclose(b, a, rtol=rtol, atol=atol, equal_nan=True)
    if same.all():
        return None
    at = np.unravel_index(np.argmin(same), same.shape)
    return f"{what}: value {b[at]!r} instead of {a[at]!r} at {tuple(int(i) for i in at)}"


def gradients(outputs, inputs, module):
    """Gradients of the inputs for cotangents that both sides derive from the element's place."""
    total = None
    for out in outputs:
        if not isinstance(out, (torch.Tensor, mt.Tensor)) or not out.requires_grad:
            continue
        n = int(np.prod(tuple(out.shape)))
        if out.is_complex():
            out = module.view_as_real(out.resolve_conj())
            n *= 2
        weights = np.cos(np.arange(n, dtype=np.float64) * 0.7 + 0.3).reshape(tuple(out.shape))
        weights = module.from_numpy(weights.copy()).to(out.dtype)
        part = (out * weights).sum()
        total = part if total is None else total + part
    if total is None:
        return None
    total.backward()
    return [t.grad for t in inputs]


def leaves(sample):
    return [t for t in flat([sample.input, list(sample.args), dict(sample.kwargs)])
            if isinstance(t, torch.Tensor)]


def run_sample(op, sample, dtype):
    """None if everything agrees, "unsupported" text as Unsupported, else the difference."""
    differentiable = (dtype.is_floating_point or dtype.is_complex) and any(t.requires_grad for t in leaves(sample))
    ours = to_mt(sample.input), to_mt(list(sample.args)), to_mt(dict(sample.kwargs))
    torch.manual_seed(42)  # what PyTorch's own wrapper of random ops sets
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            want = REFERENCES.get(op.name, op.op)(sample.input, *sample.args, **sample.kwargs)
    except Exception:  # noqa: BLE001
        return None  # PyTorch cannot do it either
    if any(isinstance(w, torch.Tensor) and (w.dtype == torch.complex32 or w.is_sparse) for w in flat(want)):
        raise Unsupported("sparse or half complex result")
    function = lookup(op.name)
    if function is None:
        return "missing"
    if op.name == "where":  # OpInfo's samples have the condition second
        function = mt.Tensor.where
    function = WRAPPED.get((op.name, op.variant_test_name), lambda f: f)(function)
    if op.name.endswith("_") and ours[0].requires_grad:  # OpInfo clones before an in-place op
        function, in_place = (lambda x, *a, **k: in_place(x.clone(), *a, **k)), function
    if op.variant_test_name == "number_mean":  # the sample has the deviation first
        ours = ours[1][0], [ours[0], *ours[1][1:]], ours[2]
    mt.manual_seed(42)
    got = function(ours[0], *ours[1], **ours[2])
    free = op.name in FREE_FACTORS
    if structure(want) != structure(got):
        return f"structure {structure(got)} instead of {structure(want)}"
    for i, (w, g) in enumerate(zip(flat(want), flat(got))):
        if isinstance(w, torch.Tensor):
            difference = compare(w, g, f"output {i}", op.name not in UNINITIALISED and not free)
            if difference:
                return difference
            if differentiable and w.requires_grad != g.requires_grad:
                return f"output {i}: requires_grad {g.requires_grad} instead of {w.requires_grad}"
        elif isinstance(w, float):
            if not np.isclose(w, g, equal_nan=True):
                return f"output {i}: {g!r} instead of {w!r}"
        elif w != g:
            return f"output {i}: {g!r} instead of {w!r}"
    if not differentiable or free:
        return None
    want_inputs = [t for t in leaves(sample)]
    got_inputs = [t for t in flat([ours[0], ours[1], ours[2]]) if isinstance(t, mt.Tensor)]
    for t in want_inputs:
        t.grad = None
    try:
        want_grads = gradients(flat(want), want_inputs, torch)
    except Exception:  # noqa: BLE001
        return None  # no gradient in PyTorch
    if want_grads is None:
        return None
    got_grads = gradients(flat(got), got_inputs, mt)
    for i, (w, g) in enumerate(zip(want_grads, got_grads or [None] * len(want_grads))):
        if w is None and not want_inputs[i].is_leaf:
            continue  # PyTorch keeps none there
        if (w is None) != (g is None):
            return f"gradient {i}: {'missing' if g is None else 'not expected'}"
        if w is not None and not w.is_sparse:
            difference = compare(w, g, f"gradient {i}")
            if difference:
                return difference
    return None


def describe(x):
    if isinstance(x, torch.Tensor):
        return f"{str(x.dtype).split('.')[1]}{list(x.shape)}" + ("" if x.is_contiguous() else "nc")
    if isinstance(x, (list, tuple)):
        return "(" + ", ".join(describe(v) for v in x) + ")"
    if isinstance(x, dict):
        return "{" + ", ".join(f"{k}={describe(v)}" for k, v in x.items()) + "}"
    return repr(x)


def run_op(infos, limit, verbose, dtypes=DTYPES):
    """(samples passed, failures {text: count}, unsupported) of all OpInfos of one name."""
    passed, unsupported, failures = 0, 0, collections.Counter()
    for op in infos:
        for dtype in dtypes:
            if dtype not in op.dtypes:
                continue
            torch.manual_seed(1)
            needs_grad = (dtype.is_floating_point or dtype.is_complex) and op.supports_autograd
            try:
                samples = list(op.sample_inputs("cpu", dtype, requires_grad=needs_grad))
            except Exception:  # noqa: BLE001
                continue
            if len(samples) > limit:  # spread over all of them
                step = len(samples) / limit
                samples = [samples[int(i * step)] for i in range(limit)]
            for sample in samples:
                try:
                    difference = run_sample(op, sample, dtype)
                except Unsupported:
                    unsupported += 1
                    continue
                except Exception as error:  # noqa: BLE001
                    difference = f"{type(error).__name__}: {str(error)[:200]}"
                    if verbose > 1:
                        traceback.print_exc()
                if difference is None:
                    passed += 1
                    continue
                variant = f"[{op.variant_test_name}]" if op.variant_test_name else ""
                failures[f"{variant}{str(dtype)[6:]}: {difference}"] += 1
                if verbose:
                    print(f"   {op.name}{variant} {str(dtype)[6:]} {describe(sample.input)} "
                          f"{describe(sample.args)} {describe(sample.kwargs)}: {difference}")
    return passed, failures, unsupported


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="regular expressions of op names (default: all)")
    parser.add_argument("--limit", type=int, default=40, help="samples per OpInfo and dtype")
    parser.add_argument("-v", "--verbose", action="count", default=0, help="every failing sample")
    parser.add_argument("--complex", action="store_true", help="complex64 and complex128 instead")
    parser.add_argument("--json", help="write {name: [passed, failed, first failure]} here")
    parser.add_argument("--missing", action="store_true", help="only list names the binding lacks")
    options = parser.parse_args()
    torch.set_num_threads(1)
    by_name = collections.defaultdict(list)
    for op in op_db:
        wanted = not options.names or any(re.fullmatch(n, op.name) for n in options.names)
        if wanted and not LEFT_OUT.search(op.name):
            by_name[op.name].append(op)
    results, whole, cases = {}, 0, 0
    for name in sorted(by_name):
        if options.missing:
            if lookup(name) is None:
                print(name)
            continue
        passed, failures, unsupported = run_op(by_name[name], options.limit, options.verbose,
                                               COMPLEX if options.complex else DTYPES)
        failed = sum(failures.values())
        cases += passed + failed
        ok = failed == 0 and passed > 0
        whole += ok
        first = next(iter(failures), "no sample ran" if not passed else "")
        results[name] = [passed, failed, first]
        mark = "pass" if ok else "FAIL"
        extra = f", {unsupported} left out" if unsupported else ""
        print(f"{mark} {name}: {passed} of {passed + failed}{extra}{'' if ok else ': ' + first}", flush=True)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(results, file, indent=1)
    print(f"{cases} cases")
    print(f"{whole} of {len(by_name)} op names pass")


if __name__ == "__main__":
    main()
