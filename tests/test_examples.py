"""Every example runs, small, wherever it is started from, and says something."""

from __future__ import annotations

import importlib.util
import inspect
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*.py"))


def load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_runs_small_and_tells_what_it_did(path, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    assert load(path).main(epochs=2) is not None
    assert len(capsys.readouterr().out.splitlines()) >= 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_is_short_and_has_a_sensible_default(path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 60
    assert 5 <= inspect.signature(load(path).main).parameters["epochs"].default <= 50


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 4


def example(name: str) -> ModuleType:
    return load(EXAMPLES[0].with_name(f"{name}.py"))


def test_the_autoencoder_writes_the_legacy_files_where_it_is_given_a_name(tmp_path) -> None:
    example("autoencoder_nnet_train_2").main(epochs=1, run_name=str(tmp_path / "run"))
    assert {path.name for path in tmp_path.iterdir()} == {
        "run.txt",
        "run_nnet_running.mat",
        "run_nnet_running.sidecar.npz",
    }


def test_the_autoencoder_is_the_same_run_each_time(capsys) -> None:
    run = example("autoencoder_nnet_train_2").main
    assert run(epochs=1) == run(epochs=1)


def test_the_classifier_learns_to_read() -> None:
    assert example("classifier_softmax").main() < 0.05


def test_resuming_goes_on_where_matlab_stopped() -> None:
    result = example("resume_from_matlab_checkpoint").main(epochs=2)
    assert result.history["epoch"].tolist() == [11, 12]
    assert result.records.error.shape == (12, 2)
    assert result.records.error[10, 0] < result.records.error[9, 0]


@pytest.mark.octave
def test_the_checkpoint_of_the_examples_is_what_the_reference_writes(tmp_path) -> None:
    module = example("resume_from_matlab_checkpoint")
    module.make_matlab_checkpoint(tmp_path / "again.mat", epochs=1)
    again, shipped = (module.read_checkpoint(path) for path in (tmp_path / "again.mat", module.CHECKPOINT))
    assert (again.epoch, shipped.epoch) == (1, 10)
    np.testing.assert_allclose(again.records.error[0], shipped.records.error[0], rtol=1e-4)


def test_the_modern_call_in_two_goes_equals_one_go() -> None:
    result = example("modern_train").main(epochs=4)
    assert result.records.error.shape == (4, 2)
    assert result.history["epoch"].tolist() == [3, 4]
