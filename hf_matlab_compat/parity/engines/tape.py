"""The tape: a folder to run on a machine that has MATLAB and no Python, and to bring back."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from hf_matlab_compat.errors import CheckpointError, ParityError
from hf_matlab_compat.matlab.files.mat_formats import load_mat
from hf_matlab_compat.matlab.octave.process import one_line
from hf_matlab_compat.matlab.octave.values import from_octave
from hf_matlab_compat.matlab.vocabulary import TRAINER_ARGUMENTS
from hf_matlab_compat.parity.cases import case_from_arguments
from hf_matlab_compat.parity.engines.constants import published_constants
from hf_matlab_compat.parity.engines.job import Job, make_job, write_job
from hf_matlab_compat.parity.engines.reference import OURS, SHIMS, Reference, open_reference
from hf_matlab_compat.parity.engines.results import read_recording
from hf_matlab_compat.parity.recording import Case, Recording, nothing_recorded
from hf_matlab_compat.parity.recurrent_cases import is_recurrent

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
    """Write a tape: run_me.m, the shims, and the arguments of every case and precision in a .mat file of version 7.

    The data are on it in the order in which the trainer takes them, with the initial parameters, so that the run does
    not depend on random seeds.

    Parameters
    ----------
    out : path-like
        A folder that does not exist yet, or is empty.
    cases : sequence of Case
        Cases to be run in each of the precisions.
    precisions, mode, epochs
        As in `Engine.record`.

    Returns
    -------
    Path
        Of run_me.m.

    Raises
    ------
    ParityError
        The folder has something in it, or cannot be written, or a case is recurrent.
    """
    if recurrent := [case.name for case in cases if is_recurrent(case)]:
        raise ParityError(f"case: expected cases of nnet_train_2 on a tape, got {recurrent[0]}. Compare it live.")
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
    """Return the recordings that a tape brought back.

    A job that has not finished an epoch, where others have, is a recording without epochs, which says why.

    Raises
    ------
    ParityError
        The tape was not run, or with a trainer that has other arguments; or no job of it has finished an epoch.
    """
    folder = Path(out)
    jobs = _listed_jobs(folder)
    if not (folder / "reference").is_dir():
        raise ParityError(f"{folder}: was not run yet. Run run_me.m in MATLAB, then bring the whole folder back.")
    reference = open_reference(folder / "reference")
    recordings: list[Recording] = []
    errors: list[ParityError] = []
    for row in jobs:
        place = folder / "jobs" / row["name"]
        job = _job(place, row, reference)
        try:
            recordings.append(_recording(job, place, reference))
        except ParityError as error:
            errors.append(error)
            recordings.append(nothing_recorded(job.case, job.precision, job.mode, str(error)))
    if len(errors) == len(recordings):
        raise errors[0]
    return recordings


def is_ours(out: str | Path) -> bool:
    """Return whether every .m file that a tape brought back is one of `reference_matlab`, byte for byte."""
    ours = open_reference().hashes if OURS.is_dir() else {}
    theirs = [path for path in (Path(out) / "reference").rglob("*") if path.is_file()]
    return all(
        path.parent.name == "reference" and ours.get(path.name) == hashlib.sha256(path.read_bytes()).hexdigest()
        for path in theirs
    )


def _pack(folder: Path, case: Case, precision: str, mode: str, epochs: int) -> dict[str, Any]:
    # for a trainer that nobody has seen yet, which is taken for the published one
    unknown = Reference(Path("reference"), {}, {}, published_constants(), takes_overrides=False)
    name, asked = f"{case.name}_{precision}", {"precision": precision, "mode": mode, "epochs": epochs}
    write_job(
        make_job(unknown, case, precision=precision, mode=mode, epochs=epochs),
        folder / "jobs" / name,
    )
    return {"name": name, "case": case.name, "constants": dict(case.constants), **asked}


def _listed_jobs(folder: Path) -> list[dict[str, Any]]:
    """Return the list of jobs.

    Raises
    ------
    ParityError
        It is not as `pack` writes it, or names a folder outside the tape.
    """
    try:
        listed = json.loads((folder / _LIST).read_text(encoding="ascii"))
    except (OSError, ValueError) as error:
        raise ParityError(f"{folder}: expected a tape, got no readable {_LIST}. Give the packed folder.") from error
    found = listed.get("format") if isinstance(listed, dict) else None
    if found != FORMAT:
        raise ParityError(f"{folder}: expected a tape of format {FORMAT}, got {found}. Pack it again.")
    kinds = {"name": str, "case": str, "constants": dict, "precision": str, "mode": str, "epochs": int}
    jobs = listed.get("jobs")
    if not isinstance(jobs, list) or not all(
        isinstance(row, dict)
        and all(isinstance(row.get(key), kind) for key, kind in kinds.items())
        and Path(row["name"]).name == row["name"]
        for row in jobs
    ):
        raise ParityError(f"{folder}: expected jobs as {_LIST} is packed, got others. Pack it again.")
    return jobs


def _recording(job: Job, place: Path, reference: Reference) -> Recording:
    """Return the recording of one job.

    Raises
    ------
    ParityError
        It was not run to its end.
    """
    failed, done = (place / "results" / name for name in ("failure.txt", "done.txt"))
    failure = None
    if failed.exists():
        failure = ParityError(f"{place.name}: {one_line(failed.read_text(errors='replace'))}")
    elif not done.exists():
        raise ParityError(
            f"{place.name}: was not run to its end. Run run_me.m in MATLAB, then bring the whole folder back."
        )
    recording = read_recording(job, place / "results", reference, failure)
    played = one_line(done.read_text(errors="replace")) if done.exists() else "not known, since it stopped"
    return replace(recording, provenance={"engine": "tape", "played by": played, **recording.provenance})


def _job(place: Path, row: Mapping[str, Any], reference: Reference) -> Job:
    """Return the job as it was packed, with the constants of the files that ran.

    Raises
    ------
    ParityError
        Its request cannot be read.
    """
    try:
        request = from_octave(load_mat(place / "request.mat", ("request",))["request"])
        given = dict(zip(TRAINER_ARGUMENTS, request["arguments"], strict=True))
        probes = request["probes"]
    except (CheckpointError, KeyError, TypeError, ValueError) as error:
        raise ParityError(f"{place.name}: its request.mat cannot be read ({error}). Pack the tape again.") from error
    case = case_from_arguments(row["case"], given, row["constants"])
    asked = {name: row[name] for name in ("precision", "mode", "epochs")}
    job = make_job(replace(reference, takes_overrides=False), case, **asked)
    told = {"precision": row["precision"]} if reference.takes_overrides else None  # as hf_drive.m tells it
    return replace(job, probes=probes, overrides=told)
