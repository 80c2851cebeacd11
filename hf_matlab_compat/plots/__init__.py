"""Pictures of runs and of trained networks, drawn by matplotlib (the extra ``plot``), which is imported when needed."""

from hf_matlab_compat.model.activations import TrainedNetwork
from hf_matlab_compat.plots.code_map import draw_codes
from hf_matlab_compat.plots.learning_curves import AGAINST, draw_learning_curves, runs_of_logs, seconds_of_logs
from hf_matlab_compat.plots.reconstructions import draw_reconstructions
from hf_matlab_compat.plots.trained_network import load_network

__all__ = [
    "AGAINST",
    "TrainedNetwork",
    "draw_codes",
    "draw_learning_curves",
    "draw_reconstructions",
    "load_network",
    "runs_of_logs",
    "seconds_of_logs",
]
