"""Every edit of a trainer's constants is read as Octave finds it, by parity and by the migrator alike."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from hf_matlab_compat.matlab.octave.process import octave_available, run_code
from hf_matlab_compat.matlab.vocabulary import CONSTANTS, WORDS
from hf_matlab_compat.migrate.trainer import TrainerReport, read_trainer_text
from hf_matlab_compat.options import Options
from hf_matlab_compat.parity.certificate import AMBIGUOUS, NOT_FOUND
from hf_matlab_compat.parity.engines.constants import Constant, published, read_constants
from tests.matlab.source.edited_constants import EDITS, RECORDER, Edit

pytest.importorskip("tree_sitter_matlab")

_CALL = """\
addpath(pwd);
global hf_seen
for k = 1:{count}
    for run = 1:2
        hf_seen = struct();
        evalc(sprintf('p = hf_edit_%d(''n'', ''d'', [], [], [], [], %d, 1, 1, 1, [], [], 1, 3, {{}}, words{{%d}}, 0, ''L2'', 1, 0, 0.95, %d);', k, 20 + 20*run, run, run - 1));
        names = fieldnames(hf_seen);
        for n = 1:numel(names)
            printf('%d %d %s %.17g\\n', k, run, names{{n}}, double(hf_seen.(names{{n}})));
        end
    end
end
"""  # noqa: E501
"""Each trainer twice, with different data and GPU switch: what depends on them has no one value."""


@pytest.fixture(scope="module")
def right(tmp_path_factory: pytest.TempPathFactory) -> Mapping[tuple[int, str], tuple[float, ...]]:
    """Values that Octave finds for each constant, in either run; by number of the edit and name."""
    if octave_available() is not None:
        pytest.skip(str(octave_available()))
    folder: Path = tmp_path_factory.mktemp("edits")
    for number, edit in enumerate(EDITS, 1):
        text = edit.text.replace("function paramsp = nnet_train_2(", f"function paramsp = hf_edit_{number}(")
        (folder / f"hf_edit_{number}.m").write_text(text + RECORDER)
    (folder / "run_all.m").write_text("words = {'gn', 'hess'};\n" + _CALL.format(count=len(EDITS)))
    printed = run_code("run_all", folder, timeout=300).checked()
    found: dict[tuple[int, str], tuple[float, ...]] = {}
    for line in printed.splitlines():
        number, _run, name, value = line.split()
        key = (int(number), name)
        found[key] = (*found.get(key, ()), float(value))
    return found


def of_parity(edit: Edit) -> Constant:
    return read_constants({"nnet_train_2.m": edit.text})[edit.constant]


def of_migrator(edit: Edit, report: TrainerReport) -> object:
    """The option as MATLAB's value; the published one where the report keeps it."""
    option = CONSTANTS[edit.constant]
    value = {**vars(Options()), **report.options}[option]
    if option == "lam_boost" and value is None:
        return 1 / report.options.get("lam_drop", 2 / 3)
    return {ours: theirs for theirs, ours in WORDS.get(option, {}).items()}.get(value, value)


def test_the_table_is_long_enough_and_covers_every_constant_but_one() -> None:
    assert len(EDITS) >= 40
    assert set(CONSTANTS) >= {edit.constant for edit in EDITS} >= set(read_constants({})) - {"decay_biases"}


@pytest.mark.octave
@pytest.mark.parametrize("number", range(1, len(EDITS) + 1))
def test_an_edit_is_read_as_octave_finds_it(number: int, right: Mapping[tuple[int, str], tuple[float, ...]]) -> None:
    edit = EDITS[number - 1]
    values = right[number, edit.constant]
    constant, report = of_parity(edit), read_trainer_text(edit.text)
    said = [one.why for one in report.unexpressed if one.why.startswith(f"{edit.constant} is ambiguous: ")]
    if edit.answer == "value":
        assert max(values) == pytest.approx(min(values), rel=1e-6)  # the same in either run
        assert constant.value == pytest.approx(values[0], rel=1e-6)
        assert NOT_FOUND not in constant.place
        assert AMBIGUOUS not in constant.place
        assert of_migrator(edit, report) == pytest.approx(values[0], rel=1e-6)
        assert said == []
    else:
        assert constant.place.startswith(AMBIGUOUS)
        assert constant.value == published(edit.constant)
        words = constant.place.removeprefix(AMBIGUOUS).replace("nnet_train_2.m:", "line ")
        assert said == [
            f"{edit.constant} is ambiguous: {words.split(': published')[0]}; the option keeps its published value"
        ]
        assert all(f"{value:g} in " in words for value in values) or "a value that cannot be read" in words
        assert of_migrator(edit, report) == pytest.approx(published(edit.constant))
