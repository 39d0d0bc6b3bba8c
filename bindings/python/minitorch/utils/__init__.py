"""torch.utils: data, dlpack, the recorded graph as text and picture, and the table of a model."""
from . import data, dlpack
from .graph import graph_dot, render_graph
from .model_summary import summary

__all__ = ["data", "dlpack", "graph_dot", "render_graph", "summary"]
