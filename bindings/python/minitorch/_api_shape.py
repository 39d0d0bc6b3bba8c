"""torch's signatures of shape, indexing and product ops, where they differ from the C functions'."""
from . import _ops
from ._runtime import TensorBase, _index, _ints

FUNCTIONS_ONLY = {"atleast_1d", "atleast_2d", "atleast_3d", "broadcast_tensors", "meshgrid",
                  "cartesian_prod", "block_diag", "einsum", "tensordot", "chain_matmul", "cdist",
                  "tril_indices", "triu_indices", "hstack", "vstack", "dstack", "column_stack",
                  "combinations", "empty_strided"}
METHODS_ONLY = {"repeat", "resize_", "resize_as_", "put", "new_empty_strided"}
ALIASES = {"moveaxis": "movedim", "row_stack": "vstack", "ger": "outer"}


def _spread(args):
    """f(2, 3) and f((2, 3)) alike."""
    if len(args) == 1 and not isinstance(args[0], int):
        return _ints(args[0])
    return _ints(args)


def _listed(tensors):
    """f(a, b) and f([a, b]) alike."""
    if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)):
        return tensors[0]
    return tensors


# --- order and repetition --------------------------------------------------------------------
def flip(input, *dims, **kw):
    return _ops.flip(input, _spread(dims or (kw["dims"],)))


def roll(input, shifts, dims=()):
    return _ops.roll(input, _ints(shifts), _ints(dims))


def rot90(input, k=1, dims=(0, 1)):
    return _ops.rot90(input, k, _ints(dims))


def repeat(input, *repeats, **kw):
    return _ops.repeat(input, _spread(repeats or (kw["repeats"],)))


def tile(input, *dims, **kw):
    return _ops.tile(input, _spread(dims or (kw.get("dims", ()),)))


def repeat_interleave(input, repeats=None, dim=None, *, output_size=None):
    if repeats is None:
        out = _ops.repeat_interleave_indices(input)
    else:
        if isinstance(repeats, (list, tuple)):
            from . import tensor
            repeats = tensor(repeats)
        out = _ops.repeat_interleave(input, repeats, dim)
    if output_size is not None:
        n = out.shape[0 if dim is None else dim]
        if n != output_size:
            raise RuntimeError(f"repeat_interleave: output_size mismatch: {output_size} given: the "
                               f"repeats add up to {n}")
    return out


# --- views and their copies ------------------------------------------------------------------
def as_strided(input, size, stride, storage_offset=None):
    return _ops.as_strided(input, _ints(size), _ints(stride), storage_offset)


def as_strided_scatter(input, src, size, stride, storage_offset=None):
    return _ops.as_strided_scatter(input, src, _ints(size), _ints(stride), storage_offset)


def slice_scatter(input, src, dim=0, start=None, end=None, step=1):
    return _ops.slice_scatter(input, src, dim, start, end, step)


def slice(input, dim=0, start=None, end=None, step=1):
    return _ops.slice(input, dim, start, end, step)


def narrow(input, dim, start, length):
    return _ops.narrow(input, dim, _index(start), length)


def broadcast_to(input, size):
    return _ops.expand(input, _ints(size))


def movedim(input, source, destination):
    return _ops.movedim(input, _ints(source), _ints(destination))


def adjoint(input):
    return _ops.conj(_ops.transpose(input, -2, -1))


def split_with_sizes(input, split_sizes, dim=0):
    return _ops.split_with_sizes(input, _ints(split_sizes), dim)


def _atleast(op):
    def call(*tensors):
        if len(tensors) == 1 and isinstance(tensors[0], TensorBase):
            return op(tensors[0])
        return tuple(op(t) for t in _listed(tensors))

    call.__module__ = __name__
    return call


atleast_1d = _atleast(_ops.atleast_1d)
atleast_2d = _atleast(_ops.atleast_2d)
atleast_3d = _atleast(_ops.atleast_3d)


def broadcast_tensors(*tensors):
    return _ops.broadcast_tensors(_listed(tensors))


def meshgrid(*tensors, indexing=None):
    return _ops.meshgrid(_listed(tensors), indexing or "ij")


def cartesian_prod(*tensors):
    return _ops.cartesian_prod(_listed(tensors))


def block_diag(*tensors):
    return _ops.block_diag(_listed(tensors))


def tensor_split(input, indices_or_sections=None, dim=0, *, sections=None, indices=None):
    given = next((g for g in (indices_or_sections, sections, indices) if g is not None), None)
    if isinstance(given, TensorBase):
        if given.device.type != "cpu" or given.dtype.name != "int64" or given.ndim > 1:
            raise RuntimeError("tensor_split expected tensor_indices_or_sections to be an int64 "
                               "tensor on cpu with 0 or 1 dims")
        given = given.tolist()
    if isinstance(given, int):
        return _ops.tensor_split(input, given, dim)
    return _ops.tensor_split_indices(input, _ints(given), dim)


def _split_along(name, least, dim_of):
    def call(input, indices_or_sections=None, *, sections=None, indices=None):
        given = next((g for g in (indices_or_sections, sections, indices) if g is not None), None)
        if input.ndim < least:
            raise RuntimeError(f"torch.{name} requires a tensor with at least {least} dimension, "
                               f"but got a tensor with {input.ndim} dimensions!")
        dim = dim_of(input)
        if isinstance(given, int) and (given == 0 or input.shape[dim] % given != 0):
            raise RuntimeError(f"torch.{name} attempted to split along dimension {dim}, but the size "
                               f"of the dimension {input.shape[dim]} is not divisible by the "
                               f"split_size {given}!")
        return tensor_split(input, given, dim)

    call.__module__, call.__name__ = __name__, name
    return call


hsplit = _split_along("hsplit", 1, lambda t: 0 if t.ndim == 1 else 1)
vsplit = _split_along("vsplit", 2, lambda t: 0)
dsplit = _split_along("dsplit", 3, lambda t: 2)


def empty_strided(size, stride, *, dtype=None, device=None, requires_grad=False, layout=None,
                  pin_memory=False):
    t = _ops.empty_strided(_ints(size), _ints(stride), dtype, device)
    return t.requires_grad_() if requires_grad else t


# --- in place --------------------------------------------------------------------------------
def squeeze_(input, dim=None):
    return _ops.squeeze_(input) if dim is None else _ops.squeeze_dim_(input, dim)


def as_strided_(input, size, stride, storage_offset=None):
    return _ops.as_strided_(input, _ints(size), _ints(stride), storage_offset)


def swapaxes_(input, axis0, axis1):
    return _ops.transpose_(input, axis0, axis1)


swapdims_ = swapaxes_


def resize_(input, *sizes, memory_format=None):
    return _ops.resize_(input, _spread(sizes))


def resize_as_(input, the_template, *, memory_format=None):
    return _ops.resize_(input, tuple(the_template.shape))


def fill_diagonal_(input, fill_value, wrap=False):
    return _ops.fill_diagonal_(input, fill_value, wrap)


# --- indexing --------------------------------------------------------------------------------
def _scatter(plain, by_value, folded, add):
    def call(input, dim, index, src=None, *, value=None, reduce=None):
        if src is None:
            src = value
        if reduce is not None:
            return _scatter_folded(input, dim, index, src, reduce, add, folded)
        if isinstance(src, TensorBase):
            return plain(input, dim, index, src)
        return by_value(input, dim, index, src)

    call.__module__ = __name__
    return call


def _scatter_folded(input, dim, index, src, reduce, add, folded):
    if reduce not in ("add", "multiply"):
        raise RuntimeError(f"reduce argument must be either add or multiply, not {reduce!r}")
    if not isinstance(src, TensorBase):
        from . import full_like
        src = full_like(index, src, dtype=input.dtype)
    if reduce == "add":
        return add(input, dim, index, src)
    return folded(input, dim, index, src, "prod", True)


scatter = _scatter(_ops.scatter, _ops.scatter_value, _ops.scatter_reduce, _ops.scatter_add)
scatter_ = _scatter(_ops.scatter_, _ops.scatter_value_, _ops.scatter_reduce_, _ops.scatter_add_)


def scatter_reduce(input, dim, index, src, reduce, *, include_self=True):
    return _ops.scatter_reduce(input, dim, index, src, reduce, include_self)


def index_reduce(input, dim, index, source, reduce, *, include_self=True):
    return _ops.index_reduce(input, dim, index, source, reduce, include_self)


def index_put(input, indices, values, accumulate=False):
    return _ops.index_put(input, list(indices), values, accumulate)


def index_put_(input, indices, values, accumulate=False):
    return _ops.index_put_(input, list(indices), values, accumulate)


def gather(input, dim, index, *, sparse_grad=False):
    return _ops.gather(input, dim, index)


# --- grids -----------------------------------------------------------------------------------
def tril_indices(row, col, offset=0, *, dtype=None, device=None, layout=None):
    from . import int64
    return _ops.tril_indices(row, col, offset, dtype or int64, device)


def triu_indices(row, col, offset=0, *, dtype=None, device=None, layout=None):
    from . import int64
    return _ops.triu_indices(row, col, offset, dtype or int64, device)


# --- products --------------------------------------------------------------------------------
def einsum(*args):
    """einsum("ij,jk->ik", a, b), einsum("...", [a, b]) or einsum(a, [0, 1], b, [1, 2], [0, 2])."""
    if len(args) == 2 and isinstance(args[0], (list, tuple)) and isinstance(args[1], str):
        args = args[1], args[0]  # operands first
    if not isinstance(args[0], str):
        return _ops.einsum(*_from_sublists(args))
    operands = args[1:]
    return _ops.einsum(args[0], _listed(operands))


def _from_sublists(args):
    def letters(sub):
        text = ""
        for s in sub:
            if s is Ellipsis:
                text += "..."
            elif isinstance(s, int) and 0 <= s < 52:
                text += chr(ord("A") + s) if s < 26 else chr(ord("a") + s - 26)
            else:
                raise ValueError(f"einsum: subscripts must be in [0, 52) or Ellipsis, not {s!r}")
        return text

    if len(args) < 2:
        raise ValueError("einsum: an equation or at least one operand with its subscripts is needed")
    pairs = len(args) // 2
    equation = ",".join(letters(args[2 * i + 1]) for i in range(pairs))
    if len(args) % 2:
        equation += "->" + letters(args[-1])
    return equation, [args[2 * i] for i in range(pairs)]


def tensordot(a, b, dims=2):
    if isinstance(dims, TensorBase):
        dims = dims.tolist()
    if isinstance(dims, int):
        if dims < 0:
            raise RuntimeError(f"tensordot expects dims >= 0, but got dims={dims}")
        return _ops.tensordot(a, b, tuple(range(-dims, 0)), tuple(range(dims)))
    return _ops.tensordot(a, b, _ints(dims[0]), _ints(dims[1]))


def chain_matmul(*matrices):
    return _ops.chain_matmul(_listed(matrices))


def cdist(x1, x2, p=2.0, compute_mode="use_mm_for_euclid_dist_if_necessary"):
    return _ops.cdist(x1, x2, float(p))


def _with_addend(name):
    op = getattr(_ops, name)

    def call(input, a=None, b=None, *, beta=1, alpha=1, **kw):
        rest = [kw.pop(k) for k in ("mat1", "mat2", "batch1", "batch2", "mat", "vec", "vec1", "vec2")
                if k in kw]
        if kw:
            raise TypeError(f"{name}() got an unexpected keyword argument {next(iter(kw))!r}")
        given = [t for t in (a, b) if t is not None] + rest
        return op(input, given[0], given[1], beta, alpha)

    call.__module__, call.__name__ = __name__, name
    return call


for _name in ("addmm", "addmv", "addr", "addbmm", "baddbmm"):
    globals()[_name] = _with_addend(_name)
    globals()[_name + "_"] = _with_addend(_name + "_")
