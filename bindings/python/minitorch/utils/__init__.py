"""torch.utils: dlpack, and the recorded graph as text and picture."""
from . import dlpack
from .graph import graph_dot, render_graph

__all__ = ["dlpack", "graph_dot", "render_graph"]
