"""torch.utils: dlpack, the recorded graph as text and picture, and the table of a model."""
from . import dlpack
from .graph import graph_dot, render_graph
from .model_summary import summary

__all__ = ["dlpack", "graph_dot", "render_graph", "summary"]
