"""Scripts made at random: what their strings hold stays data, and what they print is right.

A few hundred with each test run, many thousands with ``make torture``.
"""

from __future__ import annotations

import ast
import contextlib
import io
import re
import warnings
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from hf_matlab_compat.errors import MigrationError
from hf_matlab_compat.matlab.octave.process import run_code
from hf_matlab_compat.migrate import translate

pytest.importorskip("tree_sitter_matlab")

FEW, MANY = 150, 30_000
CANARY = 42424242
CODE = f"print({CANARY})"
FRAGMENTS = (
    *("'", '"', "'''", '"""', "\\", "\\\\", "\\n", "{", "}", "{{", "}}", "%", "%d", "%s", "%%", "%5.2f", "#", "  # "),
    *("\u2028", "\x0c", "\t", "\x01", "\x85", "\u202e", "\ufeff", "é", "\U0001f600", "\ue000", "\ue00041\ue001"),
    *(CODE, f"+str({CODE})+", f"'+str({CODE})+'", f'"+str({CODE})+"', f"{{{CODE}}}", f"');{CODE};('", f'");{CODE};("'),
    *(
        "(",
        ")",
        "[",
        "]",
        ",",
        ";",
        ":",
        "=",
        " == ",
        " or ",
        "\\'",
        '\\"',
        "f'",
        'f"',
        "lambda: ",
        "*",
        "x",
        "np.",
        "ml.",
    ),
    *(
        ".mat",
        "_nnet_running",
        "end",
        "...",
        "%{",
        "\\x41",
        "\\101",
        "\\N{BULLET}",
        "`id`",
        "$(",
        "!",
        "&",
        "a",
        "0",
        "~",
    ),
)
PLACES = (
    *(
        "disp(S);",
        "x = S",
        "x = [S S];",
        "x = ['a' upper(S) S];",
        "x = strrep(S, S, S);",
        "fprintf(S);",
        "fprintf(S, 3);",
    ),
    *("fprintf([S '\\n'], S);", "fprintf(1, S);", "x = sprintf(S, S);", "x = num2str(3, S);", "x = ~strcmp(S, S);"),
    *("s.a = S;", "s.(S) = 1;", "x = s.(S);", "s.(S)(2) = 1;", "c = {S, S; S, S};", "c{2} = S;", "x(S) = 3;"),
    *(
        "eval(S);",
        "evalc(S);",
        "system(S);",
        "feval(S, 1);",
        "error(S);",
        "error(S, S);",
        "warning(S);",
        "warning(S, S);",
    ),
    *(
        "load(S);",
        "load(S, S);",
        "x = load(S);",
        "save(S, 'q');",
        "save(S, S);",
        "fid = fopen(S, S);",
        "x = exist(S, 'var');",
    ),
    *("fid = fopen('f', 'w'); fprintf(fid, S);", "x = exist(S, 'file');", "csvwrite(S, [1 2]);", "x = csvread(S);"),
    *("dlmwrite(S, [1 2], S);", "dlmwrite(S, [1 2], 'delimiter', S);", "mkdir(S);", "addpath(S);", "cd(S);"),
    *(
        "title(S);",
        "plot([1 2], S);",
        "plot([1 2], 'Color', S);",
        "legend(S, S);",
        "axis(S);",
        "print(S);",
        "colormap(S);",
    ),
    *("figure(S);", "close(S);", "xlabel(S, S, 3);", "set(gca, S, S);", "x = str2num(S);", "x = str2double(S);"),
    *(
        "x = [S; S];",
        "x = S';",
        "x = [S, num2str(7)];",
        "x = [S num2str(q) S];",
        "x = S(1);",
        "x = S == S;",
        "x = 1 + S;",
    ),
    *("switch S, case S, disp(S); case {S, S}, disp(1); otherwise, disp(S); end", "for k = {S, S}, disp(k); end"),
    *("while strcmp(S, S), break; end", "try, disp(S); catch e, disp(S); end", "f = @(x) [x S];", "f = @() disp(S);"),
    *("x = isfield(s, S);", "x = mat2str(S);", "x = strcat(S, S);", "x = fullfile(S, S);", "x = strsplit(S, S);"),
    *("x = regexprep(S, S, S);", "x = strtrim(S);", "x = norm([1 2], S);", "x = sort([1 2], S);", "x = zeros(2, S);"),
    *("x = cellfun(S, {1});", "x = strfind(S, S);", "x = strncmp(S, S, 2);", "rand(S, 3);", "randn(S, 3);", "rng(S);"),
    *(
        "clear(S);",
        "hold(S);",
        "format(S);",
        "x = ismember(S, {S});",
        "x = length(S);",
        "assert(q, S);",
        "x = struct(S, S);",
    ),
    *(
        "x = datestr(now, S);",
        "[x, y] = size(S);",
        "x = max(S);",
        "x = int2str(S);",
        "x = str2func(S);",
        "global a; disp(S);",
    ),
    *(
        "function f(x)\ndisp(S);\nend",
        "disp(['Result of ' upper(S)]);",
        "c = {'a', S}'",
        "x = q'; y = S;",
        "S",
        "x.y = {S}",
    ),
    "nnet_train_2(S, S, [], [], 10, 1, [1 1], [1 1], 1, 1, 1, 1, S, S, S, S, S, S, 0, S, S, S);",
)
BARE = ("% R", "%{\nR\n%}", "disp(1) % R", "x = [1 2 ... R\n 3];", "!echo R", "load R", "save R q", "hold R", "disp R")
PRINTING: tuple[tuple[str, Callable[[str, str], str]], ...] = (
    ("disp(S);", lambda s, _t: s + "\n"),
    ("x = S; disp([x T x]);", lambda s, t: s + t + s + "\n"),
    ("disp(['Result of ' upper(S) T]);", lambda s, t: "Result of " + s.upper() + t + "\n"),
    ("x.a = S; c = {x.a, T}; disp([c{2} '|' c{1}]);", lambda s, t: t + "|" + s + "\n"),
    ("fprintf('%s|%s\\n', S, upper(T));", lambda s, t: f"{s}|{t.upper()}\n"),
    ("n = 3; disp([S num2str(n) T]);", lambda s, t: f"{s}3{t}\n"),
    ("x = sprintf('<%s>', S); fprintf('%s', x); fprintf('%s\\n', T);", lambda s, t: f"<{s}>{t}\n"),
    ("f = @(v) [v S]; disp(f(T));", lambda s, t: t + s + "\n"),
    ("if strcmp(S, T), disp('same'); else, disp('other'); end", lambda s, t: "same\n" if s == t else "other\n"),
    ("disp(strrep([S 'x' T], 'x', T));", lambda s, t: (s + "x" + t).replace("x", t) + "\n"),
    ("switch S, case T, disp(1); otherwise, disp(S); end", lambda s, t: "1\n" if s == t else s + "\n"),
)


def string(random: Random) -> str:
    return "".join(random.choice(FRAGMENTS) for _ in range(random.randint(0, 6)))


def literal(text: str, random: Random) -> str:
    if random.random() < 0.8:
        return "'" + text.replace("'", "''") + "'"
    return '"' + text.replace("\\", "\\\\").replace('"', '""') + '"'


def filled(template: str, random: Random) -> str:
    """A template with strings in place of S, and bare text in place of R."""
    parts = template.split("S")
    whole = parts[0] + "".join(literal(string(random), random) + part for part in parts[1:])
    if "R" not in template:
        return whole
    bare = string(random)
    ends_a_command = str.maketrans("", "", ";,")
    return template.replace("R", bare if "%" in template else bare.translate(ends_a_command))


def check_is_data(source: str, *, code_may_stand: bool = False) -> None:
    """It is translated or refused; its Python compiles, and nothing of a string is code in it."""
    try:
        made = translate(source)
    except MigrationError:
        return
    tree = ast.parse(made.python.encode())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "x" == "y" and "x"[1] are the script's own
        compile(made.python, "made", "exec")
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and node.value == CANARY]
    assert code_may_stand or not found, source
    assert all("\ue003" not in line for line in made.python.split("\n")), source


def check_mutations(number: int, seed: int) -> None:
    random = Random(seed)
    scripts = [path.read_text() for path in sorted((Path(__file__).parent / "scripts").glob("*.m"))]
    for _ in range(number):
        lines = random.choice(scripts).split("\n")
        start = random.randrange(len(lines))
        text = "\n".join(lines[start : start + random.randint(1, 25)])
        for _ in range(random.randint(1, 4)):
            place = random.randrange(len(text) + 1)
            text = text[:place] + random.choice(FRAGMENTS) + text[place + random.randint(0, 3) :]
        check_is_data(text, code_may_stand=True)


def check_places(number: int, seed: int) -> None:
    random = Random(seed)
    for _ in range(number):
        chosen = [random.choice(BARE if random.random() < 0.1 else PLACES) for _ in range(random.randint(1, 3))]
        check_is_data("q = 5;\n" + "\n".join(filled(each, random) for each in chosen) + "\n")


def check_printing(number: int, seed: int) -> None:
    random = Random(seed)
    for _ in range(number):
        template, expected = random.choice(PRINTING)
        s, t = string(random), string(random)
        source = "".join(
            literal(s, random) if each == "S" else literal(t, random) if each == "T" else each for each in template
        )
        made = translate(source + "\n")
        assert made.runs, (source, made.todos)
        assert printed(made.python) == expected(s, t), source


def printed(python: str) -> str:
    with contextlib.redirect_stdout(io.StringIO()) as out, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(compile(python, "made", "exec"), {"__name__": "made"})
    return out.getvalue()


def test_strings_in_any_place_are_data() -> None:
    check_places(FEW, 1)


def test_strings_are_printed_as_they_are() -> None:
    check_printing(FEW, 2)


def test_damaged_scripts_are_translated_or_refused() -> None:
    check_mutations(FEW // 2, 3)


@pytest.mark.torture
@pytest.mark.parametrize("seed", range(4))
def test_many_strings_in_any_place_are_data(seed: int) -> None:
    check_places(MANY // 4, 100 + seed)


@pytest.mark.torture
def test_many_strings_are_printed_as_they_are() -> None:
    check_printing(MANY, 200)


@pytest.mark.torture
def test_many_damaged_scripts_are_translated_or_refused() -> None:
    check_mutations(MANY // 3, 300)


OCTAVE_FRAGMENTS = (*(each for each in FRAGMENTS if each.isascii() and each.isprintable()), "\\t", "\\n", "\\a")
OF_BOTH = (
    *(
        "[S 'x' S]",
        "upper(S)",
        "strrep(S, S, S)",
        "strtrim(S)",
        "sprintf('%s|', S)",
        "sprintf(['%s' S], 'z')",
        "[S; S]",
    ),
    *("sprintf(S)", "sprintf(S, 'word')", "num2str(strcmp(S, S))", "strcat(S, S)", "fullfile(S, 'x')"),
)


@pytest.mark.torture
@pytest.mark.octave
@pytest.mark.parametrize("seed", range(3))
def test_strings_are_what_octave_makes_of_them(seed: int, tmp_path: Path) -> None:
    random = Random(400 + seed)

    def some() -> str:
        text = "".join(random.choice(OCTAVE_FRAGMENTS) for _ in range(random.randint(0, 5)))
        return literal(text, random)

    expressions = ["".join(some() if c == "S" else c for c in random.choice(OF_BOTH)) for _ in range(1500)]
    for k, each in enumerate(expressions):
        (tmp_path / f"e{k}.m").write_text(f"1;\nx = {each};\nx = double(x);\n")
    run = (
        f"for k = 0:{len(expressions) - 1}, try, source(sprintf('e%d.m', k)); fprintf('%d,', x); "
        "catch, fprintf('failed'); end; fprintf('\\n'); end"
    )
    lines = run_code(f"warning('off', 'all'); {run}", tmp_path, timeout=600).checked().split("\n")
    different = []
    for each, theirs in zip(expressions, lines, strict=False):
        made = translate(f"x = {each};\nfprintf('%s', x);\n")
        told_apart = re.search(r"\\%|%[^%ds5]", each)  # Octave's own escapes and directives: not followed
        if made.runs and theirs != "failed" and not told_apart:
            theirs = "" if theirs == "," else theirs  # nothing is printed with a comma
            ours = "".join(f"{ord(character)}," for character in printed(made.python))
            different += [] if ours == theirs else [(each, theirs, ours)]
    assert different == []
