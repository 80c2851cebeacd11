"""Read the lines of a log file, which may be packed, in another encoding, or with a time stamp on each line."""

from __future__ import annotations

import codecs
import io
import re
from collections import defaultdict
from collections.abc import Sequence

from hf_matlab_compat.errors import ArgumentError, CheckpointError
from hf_matlab_compat.matlab.files.mat_formats import unpacked

_GZIP = b"\x1f\x8b"
_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32-le",  # before UTF-16's, which it begins with
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
_LEAST_STARTS = 3
_COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def text_of(content: bytes) -> str:
    """Return the text of a file: unpacked if it is a gzip file, and decoded by its byte order mark or its zeros.

    Raises
    ------
    ArgumentError
        The gzip file is damaged, or unpacks to more than a log can be.
    """
    plain = _unpacked(content) if content.startswith(_GZIP) else content
    for mark, encoding in _MARKS.items():
        if plain.startswith(mark):
            return plain[len(mark) :].decode(encoding, errors="replace")
    return plain.decode(_by_zeros(plain[:1000]), errors="replace")


def _by_zeros(head: bytes) -> str:
    """Return the encoding: text of Latin letters in UTF-16 has a zero in every other byte."""
    few = len(head) // 8
    high, low = head[::2].count(0), head[1::2].count(0)
    if low > 3 * few and high < few:
        return "utf-16-le"
    return "utf-16-be" if high > 3 * few and low < few else "utf-8"


def _unpacked(content: bytes) -> bytes:
    try:
        return unpacked(io.BytesIO(content))
    except CheckpointError as error:
        reason = str(error).partition("got ")[2].partition(". ")[0]
        got = f"a gzip file that cannot be unpacked ({reason})"
        raise ArgumentError("log", expected="the text log of a run", got=got) from error


def lines_of(text: str) -> list[str]:
    """Return the lines, without a terminal's codes for colours.

    They end in LF, CR LF or (after copies through several systems) CR CR LF; or in CR, if the text has no LF.
    """
    plain = _COLOURS.sub("", text)
    ends = plain if "\n" in plain else plain.replace("\r", "\n")
    return [line.rstrip("\r") for line in ends.split("\n")]


def without_stamps(lines: Sequence[str], starts: Sequence[str]) -> list[str]:
    """Return the lines without what a logger, a queue or a terminal put before each: time stamps, hosts, levels.

    `starts` are the first words of known lines. A prefix is a stamp if it stands before at least three different known
    lines, whatever its digits and letters, and if fewer known lines have no prefix.
    """
    bare, stamped = 0, defaultdict[str, list[str]](list)
    for line in lines:
        at, start = min(((line.find(start), start) for start in starts if start in line), default=(-1, ""))
        if at > 0 and line[:at].strip():
            stamped[_shape(line[:at])].append(start)
        elif at >= 0:
            bare += 1
    shapes = [shape for shape, before in stamped.items() if len(set(before)) >= _LEAST_STARTS]
    if sum(len(stamped[shape]) for shape in shapes) <= bare:
        return list(lines)
    stamp = re.compile("|".join(sorted(shapes, key=len, reverse=True)))
    return [line[match.end() :] if (match := stamp.match(line)) else line for line in lines]


def _shape(prefix: str) -> str:
    """Return a pattern of all prefixes that differ only in digits and letters; blanks at the end may be missing."""
    tokens = re.findall(r"\d+|[^\W\d]+|\s+|.", prefix.rstrip())
    return "".join(_pattern(token) for token in tokens) + (r"\s*" if prefix[-1].isspace() else "")


def _pattern(token: str) -> str:
    if token.isdigit():
        return r"\d+"
    if token.isspace():
        return r"\s+"
    return r"[^\W\d]+" if token.isalpha() else re.escape(token)
