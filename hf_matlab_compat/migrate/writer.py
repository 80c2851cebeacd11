"""The Python script as syntax trees with MATLAB's comments between them, the checks of each statement, and the layout.

A comment is a statement whose only name is the text of the comment: `ast.unparse` writes a name as it is. The same
holds for an empty line. A comment after a statement is marked, and `rendered` moves it to the end of the line before.
"""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory

from hf_matlab_compat.migrate import syntax
from hf_matlab_compat.migrate.syntax import Place, unescaped
from hf_matlab_compat.migrate.translation import Fate, Ledger, LeftToDo
from hf_matlab_compat.migrate.values import Part, expr

_WIDTH = 88
_TRAILING = "#\t"
"""Start of a comment that belongs to the end of the line before."""
_MEANS_SOMETHING = re.compile(r"[^\w\s.:/+*%@~^|&<>?!$-]")
"""Characters that could give a string a meaning in Python or for a translator."""
_NUMBERS_ONLY = re.compile(r"[\d\s.,;:\[\]eE+-]*")
_DIRECTIVE = re.compile(r"%[-+ 0#]*\d*(?:\.\d*)?l?[a-zA-Z]")
_NUMBER = re.compile(r"\d+(?:\.\d*)?(?:e[+-]?\d+)?")
_LEAST = 10_000
"""Whole numbers below it may be sizes, positions, axes or options that a translation adds."""
_OWN_FRACTIONS = (0.5,)


def comment_of(line: str) -> ast.stmt:
    """Return a comment on a line of its own; an empty line for no text."""
    return ast.Expr(ast.Name(line, ast.Load()))


def is_code(statement: ast.stmt) -> bool:
    """Return whether a statement is neither a comment nor an empty line."""
    node = statement.value if isinstance(statement, ast.Expr) else None
    return not (isinstance(node, ast.Name) and (not node.id or node.id.startswith("#")))


def trailing_text(statement: ast.stmt) -> str:
    """Return the text of a comment that belongs to the line before; empty for anything else."""
    node = statement.value if isinstance(statement, ast.Expr) else None
    return node.id.removeprefix(_TRAILING) if isinstance(node, ast.Name) and node.id.startswith(_TRAILING) else ""


def stored(name: str) -> ast.expr:
    """Return a name as the target of an assignment."""
    return ast.Name(name, ast.Store())


class Account:
    """The strings and numbers of one statement in MATLAB and in Python, without those of statements inside it.

    What one side holds and the other does not shows a wrong translation.

    Parameters
    ----------
    statement : Statement
        MATLAB's statement.
    trainers : collection of str
        Functions whose calls take numbers from another file.
    """

    def __init__(self, statement: syntax.Statement, trainers: Collection[str] = ()) -> None:
        nodes = list(_own(statement))
        self._text = statement.place.text
        self._texts = [node for node in nodes if isinstance(node, syntax.Text)]
        self._words = [node.words[1:] for node in nodes if isinstance(node, syntax.Command)]
        self._number_nodes = [node for node in nodes if isinstance(node, syntax.Number)]
        self._numbers_from_elsewhere = any(isinstance(node, syntax.Name) and node.name in trainers for node in nodes)
        self._constants: list[object] = []

    def leave_out(self, nodes: Iterable[syntax.Node]) -> None:
        """Remove parts of MATLAB's statement that have no counterpart in Python, as a remark says."""
        gone = {id(part) for node in nodes for part in node.walk()}
        self._texts = [node for node in self._texts if id(node) not in gone]
        self._number_nodes = [node for node in self._number_nodes if id(node) not in gone]

    def enter(self, tree: ast.stmt) -> None:
        """Enter a statement of Python, or the header of a block."""
        self._constants += [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]

    def difference(self, left_out: bool = False) -> str:
        """Return a phrase for what one side holds and the other does not; empty if both hold the same.

        If the statement is `left_out`, its Python may hold less.
        """
        strings = [each for each in self._constants if isinstance(each, str)]
        numbers = {
            float(each) for each in self._constants if isinstance(each, int | float) and not isinstance(each, bool)
        }
        lost = () if left_out else self._lost(strings)
        other = next(chain(lost, self._foreign(strings)), None)
        if other is not None:
            return f"holds a string that would not be the same in Python ({other!r})"
        shown = {float(found) for each in strings for found in _NUMBER.findall(each)}
        lost_number = not left_out and self._is_lost(numbers | shown)
        return "holds numbers that would not be the same in Python" if lost_number or self._is_foreign(numbers) else ""

    def _lost(self, strings: list[str]) -> Iterator[str]:
        """Yield MATLAB's strings that no string of Python contains."""
        whole, everything = set(strings), "\0".join(strings)
        place = 0
        for node in self._texts:
            if node.text in whole or not _MEANS_SOMETHING.search(node.text) or _NUMBERS_ONLY.fullmatch(node.text):
                continue
            found = everything.find(node.text, place)  # most are in the order of the source
            place = max(place, found)
            if found >= 0 or node.text in everything:
                continue
            if any(part not in everything for part in _printed(node) if _MEANS_SOMETHING.search(part)):
                yield node.text

    def _foreign(self, strings: list[str]) -> Iterator[str]:
        """Yield Python's strings that no strings of MATLAB explain."""
        known = {part for node in self._texts for part in (node.text, *_printed(node))}
        known |= {word for words in self._words for word in (*words, *(word.strip("'") for word in words))}
        telling = sorted((part for part in known if _MEANS_SOMETHING.search(part)), key=len, reverse=True)
        for each in strings:
            label = each.removesuffix(" =")
            explained = len(each) < 2 or each in known or label in self._text or label == "ans"
            rest = "" if explained else each
            for part in telling if _MEANS_SOMETHING.search(rest) else ():
                rest = rest.replace(part, " ")
            if _MEANS_SOMETHING.search(rest):
                yield each

    def _is_lost(self, numbers: set[float]) -> bool:
        return any(not _near(each, numbers) for each in filter(_is_telling, map(_value, self._number_nodes)))

    def _is_foreign(self, numbers: set[float]) -> bool:
        own = set(map(_value, self._number_nodes))
        foreign = (each for each in filter(_is_telling, numbers - {*_OWN_FRACTIONS}) if not _near(each, own))
        return not self._numbers_from_elsewhere and any(foreign)


def _own(statement: syntax.Statement) -> Iterator[syntax.Node]:
    """Yield the nodes of a statement without those of statements inside it."""
    waiting: list[syntax.Node] = [statement]
    while waiting:
        node = waiting.pop()
        yield node
        inside = [child for child in node.inside if not isinstance(child, syntax.Statement)]
        waiting.extend(reversed(inside))


def _printed(node: syntax.Text) -> Iterable[str]:
    """Return the parts of a format around its values; `print` adds a newline at the end."""
    text = node.text if node.double else unescaped(node.text)
    parts = _DIRECTIVE.split(text.replace("%%", "\0"))
    return [part.replace("\0", "%").removesuffix("\n") for part in parts]


def _value(node: syntax.Number) -> float:
    return float(node.text.lower().replace("d", "e"))


def _is_telling(number: float) -> bool:
    return number != int(number) or abs(number) >= _LEAST if abs(number) < float("inf") else True


def _near(number: float, numbers: set[float]) -> bool:
    """Return whether a number or a neighbour is among `numbers`: positions count from 0, ranges end one further."""
    return bool({number, number - 1, number + 1} & numbers)


class Writer:
    """Collects the statements of the script; new ones go into the present block.

    Parameters
    ----------
    ledger : Ledger
        Receives the fates of MATLAB's lines.
    """

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.body: list[ast.stmt] = []
        self._script = self.body
        self.rehearsals = 0
        self._accounts: list[Account] = []

    def write(self, statement: ast.stmt, into: list[ast.stmt] | None = None) -> None:
        """Add a statement to the present block, or to the block `into`."""
        for account in self._accounts[-1:]:
            account.enter(statement)
        (self.body if into is None else into).append(statement)

    def assign(self, target: str | ast.expr, value: Part) -> None:
        """Add ``target = value``; a string names a variable."""
        self.write(ast.Assign([stored(target) if isinstance(target, str) else target], expr(value)))

    def run(self, value: Part) -> None:
        """Add an expression as a statement, or a statement that a translator returned as a value."""
        node = getattr(value, "node", value)
        self.write(node if isinstance(node, ast.stmt) else ast.Expr(expr(value)))

    @contextmanager
    def block(self, header: ast.If | ast.For | ast.While | ast.Try | ast.FunctionDef) -> Iterator[None]:
        """Add a compound statement; statements added within this context are its body."""
        self.write(header)
        with self.inside(header.body):
            yield

    @contextmanager
    def inside(self, body: list[ast.stmt]) -> Iterator[None]:
        """Within this context, add statements to `body`; it gets a ``pass`` if none is code."""
        outer, self.body = self.body, body
        try:
            yield
        finally:
            self.body = outer
        if not any(map(is_code, body)):
            body.append(ast.Pass())

    @contextmanager
    def on_account_of(self, account: Account) -> Iterator[None]:
        """Within this context, enter the statements into this account."""
        self._accounts.append(account)
        try:
            yield
        finally:
            self._accounts.pop()

    def comment(self, text: str) -> None:
        """Add a comment on lines of its own, from MATLAB's text."""
        self.body += [comment_of(f"# {line}" if line else "#") for line in _uncommented(text)]

    def trailing(self, text: str) -> None:
        """Add a comment after the last statement or the header of the present block."""
        lines = _uncommented(text)
        follows_code = is_code(self.body[-1]) if self.body else self.body is not self._script
        if len(lines) != 1 or not lines[0] or not follows_code:
            self.comment(text)
        else:
            self.body.append(comment_of(_TRAILING + lines[0]))

    def pragma(self, text: str) -> None:
        """Add a comment for tools, such as ``noqa: BLE001``, to the header of the present block."""
        self.body.append(comment_of(_TRAILING + text))

    def blank(self) -> None:
        """Add an empty line, unless it would be the first of its block or the second in a row."""
        last = self.body[-1] if self.body else None
        if last is not None and (is_code(last) or last.value.id):  # type: ignore[attr-defined]
            self.body.append(comment_of(""))

    def todo(self, place: Place, reason: str, unknown: str = "") -> None:
        """Add what could not be translated: its text as a comment, and a statement that stops the script."""
        first, *others = place.text.split("\n")
        self.comment(f"TODO(migrate): line {place.first}: {first.strip()}")
        for line in others:
            self.comment("    " + line.rstrip())
        self.comment(f"    ({reason})")
        error = ast.Call(
            ast.Name("NotImplementedError", ast.Load()), [expr(f"line {place.first} of the MATLAB script")], []
        )
        self.write(ast.Raise(error))
        self.ledger.leave(LeftToDo(place.first, place.last, place.text, reason, unknown))

    def enter(self, place: Place, fate: Fate, remarks: Sequence[str] = ()) -> None:
        """Enter the fate of a statement's lines."""
        self.ledger.enter(place.first, place.last, fate, "; ".join(dict.fromkeys(remarks)))

    def enter_header(self, place: Place, remark: str = "") -> None:
        """Enter the header and the last line of a compound statement as translated; its body enters its own lines."""
        self.ledger.enter(place.first, place.header, Fate.TRANSLATED, remark)
        self.ledger.enter(place.last, place.last, Fate.TRANSLATED)

    @contextmanager
    def rehearsal(self) -> Iterator[None]:
        """Within this context, discard what is added and entered."""
        kept = self.body, self.ledger
        self.body, self.ledger = [], Ledger(())
        self.rehearsals += 1
        try:
            yield
        finally:
            self.body, self.ledger = kept
            self.rehearsals -= 1

    def mark(self) -> int:
        """Return the present end of the block, for `cut_back` and `insert`."""
        return len(self.body)

    def cut_back(self, mark: int) -> None:
        """Discard what was added to the block since the mark."""
        del self.body[mark:]

    def insert(self, mark: int, statements: Sequence[ast.stmt]) -> None:
        """Insert statements at the mark."""
        self.body[mark:mark] = statements


def printable(text: str) -> str:
    """Return the text without characters that would end a line or reverse its direction."""
    return "".join(each if each.isprintable() or each == "\t" else " " for each in text)


def _uncommented(text: str) -> list[str]:
    """Return the lines of MATLAB's comment without its marks."""
    lines = [printable(line) for line in text.split("\n")]
    if text.lstrip().startswith("%{"):
        return [line.rstrip() for line in lines]
    return [_without_mark(line) for line in lines]


def _without_mark(line: str) -> str:
    stripped = line.strip() if line.lstrip().startswith("%") else line.rstrip()
    if stripped.startswith("%%"):
        title = stripped.lstrip("%").strip()
        return f"%% {title}" if title and stripped.lstrip("%") != stripped[1:] else title
    return stripped[1:].removeprefix(" ").rstrip() if stripped.startswith("%") else stripped


def rendered(body: list[ast.stmt]) -> str:
    """Return the text of a script, with each trailing comment after its statement, or above if the line is too long."""
    module = ast.fix_missing_locations(ast.Module(body, []))
    lines: list[str] = []
    for line in ast.unparse(module).split("\n"):
        code = line.lstrip()
        if not code.startswith(_TRAILING):
            lines.append(line if code else "")
            continue
        comment, before = "# " + code.removeprefix(_TRAILING), lines[-1]
        if len(before) + len(comment) + 2 <= _WIDTH:
            lines[-1] = f"{before}  {comment}"
        else:
            lines.insert(-1, " " * (len(before) - len(before.lstrip())) + comment)
    return "\n".join(lines).strip("\n") + "\n"


def formatted(*texts: str) -> list[str]:
    """Return scripts as ``ruff format`` lays them out, or unchanged if ruff is missing or fails."""
    ruff = shutil.which("ruff", path=str(Path(sys.executable).parent)) or shutil.which("ruff")
    if ruff is None or not texts:
        return list(texts)
    with TemporaryDirectory(prefix="hf_format_") as folder:
        files = [Path(folder) / f"script_{place}.py" for place in range(len(texts))]
        for file, text in zip(files, texts, strict=True):
            file.write_text(text, encoding="utf-8")
        command = [ruff, "format", "--isolated", "--no-cache", "--quiet", "--target-version", "py311", folder]
        try:
            subprocess.run(command, check=False, capture_output=True, timeout=60 + len(texts))
        except (OSError, subprocess.TimeoutExpired):
            return list(texts)
        return [file.read_text(encoding="utf-8") for file in files]
