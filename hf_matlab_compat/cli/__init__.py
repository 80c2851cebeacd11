"""`hf-compat`: each command parses its arguments and calls the function that does the work."""

from hf_matlab_compat.cli import (
    migration,
    parity,
    records,
    sharing,
    studies,
    studies_of_curvature,
    studies_of_derivatives,
    studies_of_kinds,
    studies_of_starts,
    toolbox,
    training,
)
from hf_matlab_compat.cli.app import app, main

__all__ = [
    "app",
    "main",
    "migration",
    "parity",
    "records",
    "sharing",
    "studies",
    "studies_of_curvature",
    "studies_of_derivatives",
    "studies_of_kinds",
    "studies_of_starts",
    "toolbox",
    "training",
]
