"""The table of a model: its modules with output shapes, parameters, multiply-adds and memory."""
from __future__ import annotations

from collections import namedtuple
from contextlib import contextmanager

from .. import _callbacks
from .._native import ffi, lib as _lib
from .._runtime import TensorBase, _check, _new, _ptr, _text, _wrap_list
from ..nn._builtin import Builtin
from ..nn.module import Module

__all__ = ["Row", "Summary", "summary"]

# Of one module. parameters, trainable and multiply_adds are its own, without its children's;
# output_shape (of its first output) is None when the model's forward did not reach it.
Row = namedtuple("Row", ["path", "type_name", "depth", "output_shape", "parameters", "trainable",
                         "multiply_adds", "output_bytes"])


@ffi.def_extern()
def py_summary_row(row, user):
    try:
        shape = tuple(row.output_shape[i] for i in range(row.n_dims)) if row.called else None
        ffi.from_handle(user).append(Row(
            ffi.string(row.path).decode(), ffi.string(row.type_name).decode(), row.depth, shape,
            row.parameters, row.trainable, row.multiply_adds, row.output_bytes))
        return _lib.MT_OK
    except BaseException as e:  # noqa: B902 - it is raised again at the outermost call
        return _callbacks.failed(e)


def _run(module, args):
    out = _new("mt_tensors **")
    _check(_lib.mt_module_call(out, module._c, _new("mt_tensor *[]", [_ptr(t) for t in args]),
                               len(args)))
    result = _wrap_list(out[0])
    return result[0] if len(result) == 1 else tuple(result)


@contextmanager
def _through_c(model):
    """Calls of the model's Python modules go through C while this lasts, so that C sees them."""
    changed = []

    def reroute(module):
        plain, entered = module.forward, []

        def forward(*args, **kwargs):
            if entered or kwargs or not all(isinstance(a, TensorBase) for a in args):
                entered.clear()  # C's own call of this module, or one that C cannot pass on
                return plain(*args, **kwargs)
            entered.append(True)
            try:
                return _run(module, args)
            finally:
                entered.clear()

        changed.append((module, module.__dict__.get("forward")))
        module.__dict__["forward"] = forward

    try:
        for module in model.modules():
            if module is not model and (not isinstance(module, Builtin) or module._own_forward):
                reroute(module)
        yield
    finally:
        for module, before in changed:
            if before is None:
                del module.__dict__["forward"]
            else:
                module.__dict__["forward"] = before


class Summary(str):
    """The table's text, with its lines as `rows`."""

    rows: list[Row]

    def __repr__(self):
        return str(self)


def summary(model: Module, *inputs: Any) -> Summary:
    """A table of the model's modules: output shapes, parameters, multiply-adds and memory, for inputs
    that are tensors or sizes, such as (32, 3, 224, 224). Computed on the meta device: no values are
    computed, and the model stays as it is. A text; its `rows` are the table's numbers."""
    from .. import empty
    given = [t if isinstance(t, TensorBase) else empty(*t, device="meta") for t in inputs]
    out, rows = _new("char **"), []
    array = _new("mt_tensor *[]", [_ptr(t) for t in given]) if given else ffi.NULL
    with _through_c(model):
        _check(_lib.mt_module_summary(out, model._c, array, len(given),
                                      _lib.py_summary_row, ffi.new_handle(rows)))
    result = Summary(_text(out))
    result.rows = rows
    return result
