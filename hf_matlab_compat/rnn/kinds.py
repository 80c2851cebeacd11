"""Trained models of sequences by kind: from the plain values of a file back to the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from hf_matlab_compat.rnn.control_problem import rebuilt_controller
from hf_matlab_compat.rnn.ctc import LabellingNetwork, TrainedLabeller, build_labelling
from hf_matlab_compat.rnn.multiplicative import MultiplicativeNetwork, build_multiplicative
from hf_matlab_compat.rnn.network import RecurrentNetwork, build_recurrent
from hf_matlab_compat.rnn.plants import PLANTS
from hf_matlab_compat.rnn.sequence_model import TrainedModel
from hf_matlab_compat.rnn.trained import TrainedRecurrent


class Parts(NamedTuple):
    """Objects or names of what a file may have by name only.

    Attributes
    ----------
    unit_types : sequence of str or OwnFunction
    loss : str or OwnLogLikelihood
    plant : str or Plant
    """

    unit_types: Sequence[Any]
    loss: Any
    plant: Any


def rebuilt(told: Mapping[str, Any], parts: Parts) -> TrainedModel | None:
    """Return what `TrainedModel.described` told of, with these parts; None for a kind that is not known here.

    Raises
    ------
    OptionError
        A part does not fit.
    """
    kind = told["kind"]
    if kind == "control":
        plant = parts.plant
        return rebuilt_controller(told, PLANTS[plant](**told["plant_settings"]) if isinstance(plant, str) else plant)
    if kind == LabellingNetwork.kind:
        net = build_labelling(told["sizes"], parts.unit_types, **_named(LabellingNetwork, told))
        return TrainedLabeller(net=net, **_named(TrainedLabeller, told))
    known: dict[str, Any] = {
        RecurrentNetwork.kind: (build_recurrent, RecurrentNetwork),
        MultiplicativeNetwork.kind: (build_multiplicative, MultiplicativeNetwork),
    }
    if kind not in known:
        return None
    build, of = known[kind]
    net = build(told["sizes"], parts.unit_types, parts.loss, told["error_measure"], **_named(of, told))
    return TrainedRecurrent(net=net, loss=parts.loss, **_named(TrainedRecurrent, told))


def _named(of: Any, told: Mapping[str, Any]) -> dict[str, Any]:
    return {name: told[name] for name in of.settings}
