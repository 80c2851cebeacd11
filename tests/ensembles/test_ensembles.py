"""Ensembles: what is collected, how it is selected or combined, and that files bring it back."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hf_matlab_compat import train
from hf_matlab_compat.demo.digits import shuffled_digits
from hf_matlab_compat.ensembles import Library, gate, load_ensemble, select, stack
from hf_matlab_compat.ensembles.judged import judged_ensemble
from hf_matlab_compat.ensembles.selection import LOSSES, greedy_weights
from hf_matlab_compat.errors import CheckpointError, DataError, OptionError
from hf_matlab_compat.legacy.case_file import write_case
from hf_matlab_compat.matlab.files.checkpoint import read_checkpoint
from hf_matlab_compat.model.activations import TrainedNetwork
from hf_matlab_compat.model.network import build_network

FIT, OTHERS = shuffled_digits(200, 800)
VALIDATION, TEST = OTHERS[:300], OTHERS[300:]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six small classifiers of different sizes, one of which is hardly trained."""
    place = tmp_path_factory.mktemp("networks")
    for k in range(6):
        train(
            inputs=FIT.images,
            targets=FIT.one_hot(),
            hidden_sizes=[10 + 4 * k],
            unit_types=["tanh" if k % 2 else "logistic", "softmax"],
            test_inputs=VALIDATION.images,
            test_targets=VALIDATION.one_hot(),
            max_epochs=10 if k else 1,
            initial_lam=1,
            seed=k,
            run_name=place / f"net{k}",
            checkpoint_period=99,
        )
    return place


def wrong(made: Any, labels: Any) -> float:
    return float((made.argmax(axis=0) != labels).mean())


def test_a_library_holds_what_each_network_predicts(folder: Path, tmp_path: Path) -> None:
    library = Library.collect(folder, VALIDATION.images, to=tmp_path / "library", precision="float16")
    assert len(library) == 6
    for k in range(6):
        made = library.network(k).predict(VALIDATION.images)
        np.testing.assert_allclose(library.predictions[k], made.T, atol=1e-3)
    assert isinstance(library.predictions, np.memmap)
    mapped = np.load(tmp_path / "library" / "predictions.npy", mmap_mode="r")
    assert (mapped.shape, mapped.dtype) == ((6, 300, 10), np.float16)
    with (tmp_path / "library" / "models.csv").open(newline="") as stream:
        models = list(csv.DictReader(stream))
    assert [row["path"] for row in models] == list(library.paths)
    assert [row["epoch"] for row in models] == ["1", *["10"] * 5]
    recorded = read_checkpoint(library.paths[2]).records
    assert [float(models[2][name]) for name in ("test_log_likelihood", "test_error")] == [
        recorded.log_likelihood[-1, 1],
        recorded.error[-1, 1],
    ]
    assert (models[1]["sizes"], models[1]["units"]) == ("64 14 10", "tanh softmax")


def test_files_without_a_sidecar_and_files_of_other_networks(folder: Path, tmp_path: Path) -> None:
    """MATLAB's checkpoints have no sidecar; a network with other inputs is left out."""
    (tmp_path / "a.mat").write_bytes((folder / "net1_nnet_running.mat").read_bytes())
    (tmp_path / "b.mat").write_bytes(b"no .mat file")
    train(
        inputs=np.eye(5),
        targets=np.eye(5),
        hidden_sizes=[2],
        unit_types=["logistic"] * 2,
        max_epochs=1,
        run_name=tmp_path / "c",
    )
    given = {"hidden_sizes": [14], "unit_types": ["tanh", "softmax"]}
    mapped = Library.collect(tmp_path, VALIDATION.images, to=tmp_path / "library", **given)
    library = Library.collect(tmp_path, VALIDATION.images, **given)
    assert np.array_equal(mapped.predictions, library.predictions)
    assert np.load(tmp_path / "library" / "predictions.npy").shape == (1, 300, 10)
    assert mapped.predictions.size * 4 + 128 == (tmp_path / "library" / "predictions.npy").stat().st_size
    assert [Path(path).name for path in library.paths] == ["a.mat"]
    expected = Library.collect([folder / "net1_nnet_running.mat"], VALIDATION.images)
    np.testing.assert_allclose(library.predictions, expected.predictions, atol=1e-6)
    with pytest.raises(DataError, match="source: expected files of trained networks with 3 inputs, got none in"):
        Library.collect(tmp_path, np.zeros((3, 2)))
    with pytest.raises(DataError, match=r"source: expected a folder, a journal or a file, got .*no such file"):
        Library.collect(tmp_path / "nothing", VALIDATION.images)
    with pytest.raises(OptionError, match="precision: expected one of 'float16', 'float32'"):
        Library.collect(folder, VALIDATION.images, precision="float8")


def test_greedy_selection_beats_the_best_single_network_and_leaves_noise_out(folder: Path) -> None:
    library = Library.collect(folder, VALIDATION.images)
    ensemble = select(library, VALIDATION.one_hot())
    assert ensemble.weights.sum() == pytest.approx(1)
    singles = [library.network(k).predict(TEST.images) for k in range(6)]
    best = min(range(6), key=lambda k: wrong(library.predictions[k].T, VALIDATION.labels))
    made = ensemble.predict(TEST.images)

    def entropy(p: Any) -> float:
        return float(-np.log(np.maximum(p[TEST.labels, np.arange(500)], 1e-6)).mean())

    assert entropy(made) < entropy(singles[best])
    assert wrong(made, TEST.labels) <= wrong(singles[best], TEST.labels) + 0.01
    noise = np.random.default_rng(0).dirichlet(np.ones(10), (1, 300))
    with_noise = np.concatenate([library.predictions, noise.astype(np.float32)])
    for on in LOSSES:
        parts, loss = LOSSES[on](with_noise, VALIDATION.one_hot())
        assert greedy_weights(parts, loss, np.arange(7), 3, 30)[6] == 0


def test_a_selection_is_that_of_trying_every_model_in_every_step(folder: Path) -> None:
    library, true = Library.collect(folder, VALIDATION.images), VALIDATION.labels
    columns = library.predictions[:, np.arange(300), true].astype(float)

    def loss(p: Any) -> float:
        return float(-np.log(np.maximum(p, 1e-6)).mean())

    chosen = sorted(range(6), key=lambda k: loss(columns[k]))[:2]
    best, least = list(chosen), loss(columns[chosen].mean(axis=0))
    for _ in range(12):
        chosen.append(min(range(6), key=lambda k: loss(columns[[*chosen, k]].mean(axis=0))))
        if (now := loss(columns[chosen].mean(axis=0))) < least:
            best, least = list(chosen), now
    expected = np.bincount(best, minlength=6) / len(best)
    parts, of = LOSSES["cross_entropy"](library.predictions, VALIDATION.one_hot())
    np.testing.assert_allclose(greedy_weights(parts, of, np.arange(6), 2, 12), expected)


def test_bags_average_selections_from_halves(folder: Path) -> None:
    library = Library.collect(folder, VALIDATION.images)
    many, again, other = (select(library, VALIDATION.one_hot(), bags=9, seed=seed) for seed in (0, 0, 1))
    assert many.weights.sum() == pytest.approx(1)
    assert list(many.weights) == list(again.weights)
    assert list(many.weights) != list(other.weights)


def test_regression_selects_on_the_squared_error_of_the_mean(tmp_path: Path) -> None:
    x = np.random.default_rng(1).uniform(-1, 1, (2, 200))
    t = np.sin(2 * x[:1]) * x[1:]
    for k in range(3):
        given = {"inputs": x[:, :100], "targets": t[:, :100], "hidden_sizes": [8], "unit_types": ["tanh", "linear"]}
        train(**given, seed=k, max_epochs=8, initial_lam=1, run_name=tmp_path / f"r{k}")
    library = Library.collect(tmp_path, x[:, 100:150])
    ensemble = select(library, t[:, 100:150], on="squared_error")
    errors = [float(((library.network(k).predict(x[:, 150:]) - t[:, 150:]) ** 2).mean()) for k in range(3)]
    assert ((ensemble.predict(x[:, 150:]) - t[:, 150:]) ** 2).mean() < np.mean(errors)


def test_an_ensemble_comes_back_from_its_file(folder: Path, tmp_path: Path) -> None:
    ensemble = select(Library.collect(folder, VALIDATION.images), VALIDATION.one_hot(), bags=3)
    ensemble.save(tmp_path / "ensemble.npz")
    again = load_ensemble(tmp_path / "ensemble.npz")
    assert np.array_equal(again.predict(TEST.images), ensemble.predict(TEST.images))
    assert list(again.names) == list(ensemble.names)
    whole = (tmp_path / "ensemble.npz").read_bytes()
    for damaged in (b"", whole[:500], whole.replace(b"weights", b"veights")):
        (tmp_path / "damaged.npz").write_bytes(damaged)
        with pytest.raises(CheckpointError, match="expected a file that Ensemble"):
            load_ensemble(tmp_path / "damaged.npz")


def test_managers_predict_classes_and_out_of_fold(folder: Path) -> None:
    pytest.importorskip("sklearn")
    from sklearn.ensemble import ExtraTreesClassifier

    library = Library.collect(folder, VALIDATION.images)
    worst = max(wrong(library.network(k).predict(TEST.images), TEST.labels) for k in range(6))
    for learner in (None, ExtraTreesClassifier(50, random_state=0)):
        manager = stack(library, VALIDATION.one_hot(), learner)
        made = manager.predict(TEST.images)
        assert made.shape == (10, 500)
        np.testing.assert_allclose(made.sum(axis=0), 1)
        assert wrong(made, TEST.labels) < worst / 2
        assert wrong(manager.out_of_fold, VALIDATION.labels) == pytest.approx(wrong(made, TEST.labels), abs=0.05)


def test_a_gate_weighs_networks_by_the_neighbours_of_a_case() -> None:
    """Of two networks, each right on one side, every case gets the one of its side."""

    def always(k: int) -> TrainedNetwork:
        from hf_matlab_compat.model.packing import Layer

        b = np.where(np.arange(2) == k, 5.0, -5.0).reshape(-1, 1)
        return TrainedNetwork(build_network([1, 2], ["softmax"], "matching", "none"), (Layer(np.zeros((2, 1)), b),))

    x, labels = np.array([[-3.0, -2, -1, 1, 2, 3]]), np.array([0, 0, 0, 1, 1, 1])
    networks = [always(0), always(1)]

    class Two(Library):
        def network(self, k: int) -> TrainedNetwork:
            return networks[k]

    predictions = np.stack([network.predict(x).T for network in networks])
    manager = gate(Two(["a", "b"], predictions), np.eye(2)[:, labels], x, neighbours=2)
    assert manager.predict(np.array([[-2.5, 2.5]])).argmax(axis=0).tolist() == [0, 1]


def test_a_thousand_models_are_selected_from_in_little_memory() -> None:
    import tracemalloc

    random = np.random.default_rng(0)
    predictions = random.dirichlet(np.ones(10), (1000, 2000)).astype(np.float16)
    parts, loss = LOSSES["cross_entropy"](predictions, np.eye(10)[:, random.integers(0, 10, 2000)])
    tracemalloc.start()
    weights = greedy_weights(parts, loss, np.arange(1000), 3, 100)
    assert tracemalloc.get_traced_memory()[1] < 100e6
    tracemalloc.stop()
    assert weights.sum() == pytest.approx(1)


def test_what_cannot_be_selected_is_refused(folder: Path) -> None:
    library = Library.collect(folder, VALIDATION.images)
    with pytest.raises(DataError, match=r"targets: expected shape \(10, 300\), as the predictions have, got"):
        select(library, VALIDATION.one_hot()[:, :20])
    with pytest.raises(OptionError, match="on: expected one of 'cross_entropy', 'error', 'squared_error', got 'auc'"):
        select(library, VALIDATION.one_hot(), on="auc")
    with pytest.raises(OptionError, match="bags: expected a whole number of at least 1, got 0"):
        select(library, VALIDATION.one_hot(), bags=0)


@pytest.fixture
def cases(tmp_path: Path) -> Path:
    case = {"indata": FIT.images, "outdata": FIT.one_hot(), "layersizes": [14], "layertypes": ["tanh", "softmax"]}
    for name, test in (("case", VALIDATION), ("other", TEST)):
        write_case(tmp_path / f"{name}.mat", {**case, "intest": test.images, "outtest": test.one_hot()})
    write_case(tmp_path / "none.mat", case)
    return tmp_path


def test_an_ensemble_is_judged_on_cases_that_did_not_select_it(folder: Path, cases: Path) -> None:
    ensemble, table = judged_ensemble(folder, cases / "case.mat")
    assert "6 networks, selected on 150 test cases, judged on the others:" in table
    assert f"ensemble of {len(ensemble.weights)} networks" in table
    expected = select(Library.collect(folder, VALIDATION.images[:, ::2]), VALIDATION.one_hot()[:, ::2])
    assert list(ensemble.weights) == list(expected.weights)
    other, table = judged_ensemble(folder, cases / "case.mat", judge=cases / "other.mat")
    assert list(other.weights) == list(select(Library.collect(folder, VALIDATION.images), VALIDATION.one_hot()).weights)
    assert f"misclassified {100 * wrong(other.predict(TEST.images), TEST.labels):.2f} %" in table
    assert "selected on 300 test cases, judged on 500 of" in table
    for given in ({"case": cases / "none.mat"}, {"case": cases / "case.mat", "judge": cases / "none.mat"}):
        with pytest.raises(DataError, match="expected test cases, to select and to judge on, got none in"):
            judged_ensemble(folder, **given)


def test_the_files_of_a_search_make_an_ensemble_whose_table_warns(folder: Path, cases: Path) -> None:
    """Trials of this search alone, also without sidecars; all its trials were compared by the test cases."""
    for name in ("run_trial0", "run_trial1", "run_trialx", "rerun_trial0"):
        (cases / f"{name}_nnet_running.mat").write_bytes((folder / "net1_nnet_running.mat").read_bytes())
    (cases / "run.journal").write_text("{}")
    ensemble, table = judged_ensemble(cases / "run.journal", cases / "case.mat")
    assert table.startswith("2 networks")
    assert "The search compared its trials by all of these cases" in table
    assert "The search" not in judged_ensemble(cases / "run.journal", cases / "case.mat", judge=cases / "other.mat")[1]
    made = Library.collect([folder / "net1_nnet_running.mat"], TEST.images).predictions[0].T
    np.testing.assert_allclose(ensemble.predict(TEST.images), made, atol=1e-6)
