"""The recorded graph as Graphviz text and as a picture."""
from __future__ import annotations

import os
import shutil
import subprocess

from .._lists import make_named
from .._native import ffi, lib as _lib
from .._runtime import _check, _new, _ptr, _text

__all__ = ["graph_dot", "render_graph"]


def graph_dot(tensor, params: Mapping[str, Tensor] | Module | None = None,
              max_nodes: int = 0) -> str:
    """DOT text of what a tensor was computed from: ops as boxes, leaf tensors as ellipses.

    `params` names the leaves: a module, or a dict of tensors. `max_nodes` keeps the ops nearest to the
    tensor; 0 means all.
    """
    if hasattr(params, "named_parameters"):
        params = dict(params.named_parameters())
    names = ffi.NULL if params is None else make_named(params)
    out = _new("char **")
    _check(_lib.mt_graph_dot(out, _ptr(tensor), names, max_nodes))
    return _text(out)


def render_graph(tensor, path: str | PathLike[str],
                 params: Mapping[str, Tensor] | Module | None = None, max_nodes: int = 1000) -> str:
    """Draws the graph into a file of the kind that its suffix names (.svg, .png, .pdf, .dot) with
    Graphviz's program `dot`. Without the program the text is saved beside it, as .dot. Returns the
    path that was written."""
    path = os.fspath(path)
    text = graph_dot(tensor, params, max_nodes)
    stem, suffix = os.path.splitext(path)
    program = shutil.which("dot")
    if suffix == ".dot" or program is None:
        path = stem + ".dot"
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return path
    done = subprocess.run([program, "-T" + (suffix[1:] or "svg"), "-o", path], input=text, text=True,
                          encoding="utf-8", capture_output=True)
    if done.returncode:
        raise RuntimeError(f"render_graph: dot failed: {done.stderr.strip()}")
    return path
