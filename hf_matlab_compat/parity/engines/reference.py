"""A folder with a user's trainer: its files, its arguments, its constants, and a copy of it to run."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hf_matlab_compat.errors import ParityError
from hf_matlab_compat.matlab.source.text import function_line, functions, without_comments
from hf_matlab_compat.matlab.vocabulary import TRAINER_ARGUMENTS
from hf_matlab_compat.parity.engines.constants import Constant, read_constants

OURS = Path(__file__).parents[3] / "reference_matlab"
"""`reference_matlab` in a clone of the repository; an installed package has none."""

SHIMS = Path(__file__).parents[1] / "shims"

TRAINER, CG = "nnet_train_2.m", "conjgrad_1.m"
_CG_ARGUMENTS = 6
_OVERRIDES = "overrides"
HELPERS = "hf_helpers.txt"
"""The file of a copy that lists the folders for the path, one a line."""
_ADDED = re.compile(r"\baddpath\b(?P<rest>.*)")
_TEXT = re.compile(r"(['\"])(.*?)\1")


@dataclass(frozen=True)
class Reference:
    """A trainer in a folder; the folder is only read.

    Attributes
    ----------
    folder : Path
        Its folder.
    sources : mapping of file name to text
        Its .m files.
    hashes : mapping of file name to str
        SHA-256 of each of them.
    constants : mapping of str to Constant
        By `nnet_train`'s keywords.
    takes_overrides : bool
        Whether constants and precision go in as a 23rd argument (`reference_matlab`).
    helpers : sequence of Path
        Folders that the .m files add to the path.
    """

    folder: Path
    sources: Mapping[str, str]
    hashes: Mapping[str, str]
    constants: Mapping[str, Constant]
    takes_overrides: bool
    helpers: Sequence[Path] = ()

    def copy_to(self, folder: Path) -> None:
        """Copy the trainer, its folders of functions, and the list of those for the path.

        Parameters
        ----------
        folder : Path
            The new folder.
        """
        _copy_functions(self.folder, folder)
        listed: list[str] = []
        for number, helper in enumerate(self.helpers, start=1):
            inside = helper.is_relative_to(self.folder)
            listed.append(str(helper.relative_to(self.folder)) if inside else f"hf_helpers_{number}")
            _copy_functions(helper, folder / listed[-1])
        if listed:
            (folder / HELPERS).write_text("\n".join(listed) + "\n", encoding="utf-8")

    @property
    def names_device(self) -> bool:
        """True if its files make arrays with the word 'gpuArray', as in zeros(3, 4, 'gpuArray')."""
        return any("'gpuArray'" in source for source in self.sources.values())

    @property
    def original(self) -> Mapping[str, str]:
        """The files of `reference_matlab`, of which this may be an edited copy; empty for `reference_matlab` itself."""
        ours = OURS.resolve()
        if self.folder == ours or not ours.is_dir():
            return {}
        return {path.name: path.read_text(encoding="utf-8", errors="replace") for path in ours.glob("*.m")}

    @property
    def name(self) -> str:
        """Its name in reports."""
        return "reference_matlab" if self.folder == OURS.resolve() else str(self.folder)


def open_reference(folder: str | Path | None = None) -> Reference:
    """Open the trainer in a folder, by default `reference_matlab`.

    Raises
    ------
    ParityError
        The folder has no trainer, or one with other arguments, or its CG has no file of its own.
    """
    place = Path(OURS if folder is None else folder).resolve()
    _require_files(place, ours=folder is None)
    contents = {path.name: path.read_bytes() for path in sorted(place.glob("*.m")) if path.is_file()}
    helpers = helper_folders(place, [content.decode("utf-8", errors="replace") for content in contents.values()])
    for helper in helpers:
        within = helper.relative_to(place) if helper.is_relative_to(place) else helper
        contents |= {
            f"{within}/{path.name}": path.read_bytes() for path in sorted(helper.glob("*.m")) if path.is_file()
        }
    sources = {name: content.decode("utf-8", errors="replace") for name, content in contents.items()}
    takes_overrides = _check_trainer(place, sources[TRAINER])
    _check_cg(place, sources)
    return Reference(
        folder=place,
        sources=sources,
        hashes={name: hashlib.sha256(content).hexdigest() for name, content in contents.items()},
        constants=read_constants(sources),
        takes_overrides=takes_overrides,
        helpers=helpers,
    )


def helper_folders(place: Path, sources: Sequence[str]) -> list[Path]:
    """Return the folders that sources add to the path by name, relative to their own, in the order of the calls."""
    found: list[Path] = []
    for source in sources:
        for line in without_comments(source):
            for call in _ADDED.finditer(line):
                deep = "genpath" in call[0] + call["rest"]
                named = _named_folders(place, call["rest"])
                every = [place] if deep and not named else []
                for folder in (*named, *every):
                    found += [folder, *(_below(folder) if deep else ())]
    return [folder for folder in dict.fromkeys(found) if folder != place]


def _named_folders(place: Path, arguments: str) -> list[Path]:
    """Return the existing folders named by one string among addpath's arguments, or by all of them as one path."""
    texts = [text for _, text in _TEXT.findall(arguments)]
    if not arguments.lstrip().startswith("(") and not texts:  # addpath lib
        texts = arguments.strip(" ;").split()
    names = [*(part for text in texts for part in re.split("[:;]", text)), "/".join(texts)]
    folders = (place / name.replace("\\", "/").strip("/") for name in names if name.strip("/\\. "))
    return [folder.resolve() for folder in folders if folder.is_dir() and folder.resolve() != place]


def _below(folder: Path) -> list[Path]:
    """Return the folders that genpath finds: at any depth, without private, class and package folders."""
    return [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_dir() and not any(part[0] in "@+." or part == "private" for part in path.relative_to(folder).parts)
    ]


def _copy_functions(source: Path, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for path in source.iterdir():
        if path.is_file() and path.suffix != ".asv" and path.suffix.startswith(".m"):
            shutil.copyfile(path, target / path.name)
        elif path.is_dir() and (path.name == "private" or path.name[0] in "@+"):
            shutil.copytree(path, target / path.name)


def _require_files(place: Path, *, ours: bool) -> None:
    if ours and not (place / TRAINER).is_file():
        raise ParityError(
            "reference_matlab comes with a clone of the repository, not with the installed package. "
            "Give the folder of your own nnet_train_2.m, or check against the recorded numbers: --engine recorded."
        )
    for name in (TRAINER, CG):
        if not (place / name).is_file():
            raise ParityError(f"{place}: expected {TRAINER} and {CG}, got no {name}. Give the folder that has both.")


def _check_trainer(place: Path, source: str) -> bool:
    """Return whether it takes a 23rd argument.

    Raises
    ------
    ParityError
        It has other arguments, or is a script.
    """
    line = function_line(source)
    expected = list(TRAINER_ARGUMENTS)
    if line is None:
        raise ParityError(f"{place / TRAINER}: expected a function, got a file that does not begin with one.")
    given = line[1]
    if given == expected[:-1]:  # the revision without jacket
        return False
    if given[: len(expected)] == expected and given[len(expected) :] in ([], [_OVERRIDES]):
        return len(given) > len(expected)
    missing = [name for name in expected if name not in given]
    added = [name for name in given if name not in expected]
    differences = [f"without {', '.join(missing)}"] * bool(missing) + [f"with {', '.join(added)}"] * bool(added)
    raise ParityError(
        f"{place / TRAINER}: a fork with {len(given)} arguments ({' and '.join(differences) or 'in another order'}): "
        f"{', '.join(given)}. Expected the {len(expected)} of nnet_train_2."
    )


def _check_cg(place: Path, sources: Mapping[str, str]) -> None:
    if "conjgrad_1" in functions(sources[TRAINER]):
        raise ParityError(
            f"{place / TRAINER}: has a conjgrad_1 of its own inside, so that its CG cannot be looked into. "
            f"Move that function to {CG}."
        )
    line = function_line(sources[CG])
    got = [] if line is None else line[1]
    if len(got) < _CG_ARGUMENTS:
        raise ParityError(
            f"{place / CG}: a fork with {len(got)} arguments: {', '.join(got)}. "
            "Expected Afunc, b, x0, maxiters, miniters, Mdiag."
        )
