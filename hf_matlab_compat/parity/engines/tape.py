"""The tape: a folder to run on a machine that has MATLAB and no Python, and to bring back."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from hf_matlab_compat.errors import CheckpointError, ParityError
from hf_matlab_compat.matlab.files.mat_formats import load_mat
from hf_matlab_compat.matlab.octave.process import one_line
from hf_matlab_compat.matlab.octave.values import from_octave
from hf_matlab_compat.matlab.vocabulary import TRAINER_ARGUMENTS
from hf_matlab_compat.parity.cases import case_from_arguments
from hf_matlab_compat.parity.engines.constants import read_constants
from hf_matlab_compat.parity.engines.job import Job, make_job, write_job
from hf_matlab_compat.parity.engines.octave_engine import only_kernels
from hf_matlab_compat.parity.engines.provenance import (
    log_facts,
    not_shown,
    places,
    reference_facts,
    route_in_words,
)
from hf_matlab_compat.parity.engines.reference import OURS, SHIMS, Reference, open_reference
from hf_matlab_compat.parity.engines.results import continuity_and_stop, read_checkpoint_bytes, read_until_stop
from hf_matlab_compat.parity.recording import Case, Recording, nothing_recorded

FORMAT = 1
_LIST = "tape.json"

_RUN_ME = """\
% Run this in MATLAB (or Octave). Your nnet_train_2.m and conjgrad_1.m may lie in this folder, in the one around it,
% or anywhere on the path; they are only read. Then bring this whole folder back.

here = fileparts(mfilename('fullpath'));
places = {here, fileparts(here), fileparts(which('nnet_train_2'))};
found = cellfun(@(place) exist(fullfile(place, 'nnet_train_2.m'), 'file') == 2, places);
if ~any(found)
    error('There is no nnet_train_2.m: put this folder beside it, or its folder on the path.');
end
reference = places{find(found, 1)};
addpath(fullfile(here, 'shims', 'drive'));
hf_play_all(here, reference);
"""


def pack(
    out: str | Path,
    cases: Sequence[Case],
    *,
    precisions: Sequence[str] = ("double", "single"),
    mode: str = "lockstep",
    epochs: int = 8,
) -> Path:
    """Write a tape: run_me.m, the shims, and for every case and precision its arguments in a .mat file of version 7.

    The data are in there as they are handed to the trainer, permuted already, and so are the initial parameters: the
    run can be repeated whatever seeds it began with.

    Parameters
    ----------
    out : path-like
        A folder that does not exist yet, or is empty.
    cases : sequence of Case
    precisions, mode, epochs
        As in `Engine.record`.

    Returns
    -------
    Path
        Of run_me.m.

    Raises
    ------
    ParityError
        The folder has something in it, or cannot be written.
    """
    folder = Path(out)
    if folder.exists() and any(folder.iterdir()):
        raise ParityError(f"{folder}: expected a new or empty folder, got one with files in it. Choose another.")
    try:
        rows = [_pack(folder, case, precision, mode, epochs) for case in cases for precision in precisions]
        shutil.copytree(SHIMS, folder / "shims")
        (folder / "run_me.m").write_text(_RUN_ME, encoding="ascii")
        listed = {"format": FORMAT, "jobs": rows}
        (folder / _LIST).write_text(json.dumps(listed, indent=1) + "\n", encoding="ascii")
    except OSError as error:
        raise ParityError(f"{folder}: the tape cannot be written: {error.strerror or error}.") from error
    return folder / "run_me.m"


def read_tape(out: str | Path) -> list[Recording]:
    """What a tape brought back.

    Raises
    ------
    ParityError
        It was not run, or with a trainer that has other arguments; or no job of it has finished an epoch. One that has
        not, where others have, is a recording without epochs, which says why.
    """
    folder = Path(out)
    try:
        listed = json.loads((folder / _LIST).read_text(encoding="ascii"))
    except (OSError, ValueError) as error:
        raise ParityError(f"{folder}: expected a tape, got no readable {_LIST}. Give the packed folder.") from error
    found = listed.get("format") if isinstance(listed, dict) else None
    if found != FORMAT:
        raise ParityError(f"{folder}: expected a tape of format {FORMAT}, got {found}. Pack it again.")
    if not _is_list_of_jobs(listed.get("jobs")):
        raise ParityError(f"{folder}: expected jobs as {_LIST} is packed, got others. Pack it again.")
    if not (folder / "reference").is_dir():
        raise ParityError(f"{folder}: was not run yet. Run run_me.m in MATLAB, then bring the whole folder back.")
    reference = open_reference(folder / "reference")
    recordings: list[Recording] = []
    errors: list[ParityError] = []
    for row in listed["jobs"]:
        job = _job(folder / "jobs" / row["name"], row, reference)
        try:
            recordings.append(_recording(job, folder / "jobs" / row["name"], reference))
        except ParityError as error:
            errors.append(error)
            recordings.append(nothing_recorded(job.case, job.precision, job.mode, str(error)))
    if len(errors) == len(recordings):
        raise errors[0]
    return recordings


def _is_list_of_jobs(jobs: Any) -> bool:
    """Whether it is as `pack` writes it, names of folders inside the tape's."""
    kinds = {"name": str, "case": str, "constants": dict, "precision": str, "mode": str, "epochs": int}
    return isinstance(jobs, list) and all(
        isinstance(row, dict)
        and all(isinstance(row.get(key), kind) for key, kind in kinds.items())
        and Path(row["name"]).name == row["name"]
        for row in jobs
    )


def is_ours(out: str | Path) -> bool:
    """Whether every .m file that a tape brought back is one of `reference_matlab`, byte for byte."""
    ours = open_reference().hashes if OURS.is_dir() else {}
    theirs = [path for path in (Path(out) / "reference").rglob("*") if path.is_file()]
    return all(
        path.parent.name == "reference" and ours.get(path.name) == hashlib.sha256(path.read_bytes()).hexdigest()
        for path in theirs
    )


def _pack(folder: Path, case: Case, precision: str, mode: str, epochs: int) -> dict[str, Any]:
    name, asked = f"{case.name}_{precision}", {"precision": precision, "mode": mode, "epochs": epochs}
    job = make_job(_unknown_reference(), case, precision=precision, mode=mode, epochs=epochs)
    write_job(job, folder / "jobs" / name)
    return {"name": name, "case": case.name, "constants": dict(case.constants), **asked}


def _unknown_reference() -> Reference:
    """A trainer nobody has seen yet, taken for the published one."""
    return Reference(Path("reference"), {}, {}, read_constants({}), takes_overrides=False)


def _failure(job: Path) -> ParityError | None:
    """What the trainer stopped with; None where it did the whole job.

    Raises
    ------
    ParityError
        The job was not run.
    """
    failure = job / "results" / "failure.txt"
    if failure.exists():
        return ParityError(f"{job.name}: {one_line(failure.read_text(errors='replace'))}")
    if (job / "results" / "done.txt").exists():
        return None
    raise ParityError(f"{job.name}: was not run to its end. Run run_me.m in MATLAB, then bring the whole folder back.")


def _recording(job: Job, place: Path, reference: Reference) -> Recording:
    failure, done = _failure(place), place / "results" / "done.txt"
    records, stop = read_until_stop(job, place / "results", failure)
    continuity, stop = continuity_and_stop(job, records, place / "results", stop)
    played = done.read_text(errors="replace") if done.exists() else "not known, since it stopped"
    return Recording(
        case=job.case,
        precision=job.precision,
        mode=job.mode,
        epochs=only_kernels(records) if job.mode == "kernels" else records,
        envelope={},
        checkpoint=read_checkpoint_bytes(place / "results"),
        provenance={
            "engine": "tape",
            "played by": one_line(played),
            "precision route": route_in_words(job),
            **reference_facts(reference),
            **places(reference, job),
            **log_facts(job),
            **not_shown(records),
        },
        continuity=continuity,
        stop=stop,
    )


def _job(place: Path, row: dict[str, Any], reference: Reference) -> Job:
    """The job as it was packed, with the constants of the files that ran."""
    try:
        request = from_octave(load_mat(place / "request.mat", ("request",))["request"])
        given = dict(zip(TRAINER_ARGUMENTS, request["arguments"], strict=True))
        probes = request["probes"]
    except (CheckpointError, KeyError, TypeError, ValueError) as error:
        raise ParityError(f"{place.name}: its request.mat cannot be read ({error}). Pack the tape again.") from error
    case = case_from_arguments(row["case"], given, row["constants"])
    job = make_job(
        replace(reference, takes_overrides=False),
        case,
        precision=row["precision"],
        mode=row["mode"],
        epochs=row["epochs"],
    )
    told = {"precision": row["precision"]} if reference.takes_overrides else None  # as hf_drive.m tells it
    return replace(job, probes=probes, overrides=told)
