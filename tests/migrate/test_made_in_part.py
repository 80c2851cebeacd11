"""Variables that come into being field by field or entry by entry, where an argument or a variable may be missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from hf_matlab_compat.matlab.octave.process import run_code
from hf_matlab_compat.migrate import translate

pytest.importorskip("tree_sitter_matlab")

FIELDS = """1;
function s = f(x, o)
  if nargin < 2
    o.a = 1;
    o.b.c = 2;
  end
  o.d = 5;
  s = x + o.a + o.d;
end
o.a = 3;
fprintf('%d ', f(1), f(1, o));
"""
EMPTY = """1;
function s = f(x, p)
  if ~exist('p', 'var') || isempty(p)
    p.rate = 0.5; p.names = {'a'};
  end
  if ~isfield(p, 'n'), p.n = 2; end
  s = x * p.rate * p.n;
end
q.rate = 1;
fprintf('%d ', f(4), f(4, []), f(4, q));
"""
PARTS = """1;
function s = f(x, w, c)
  if nargin < 2
    w(3) = 1;
    w(end+1) = 4;
  end
  if nargin < 3
    c{2} = 'two'; c{1} = 7;
  end
  s = x + sum(w) + numel(c) + c{1};
end
fprintf('%d ', f(1), f(1, [1 2]), f(1, [1 2], {3, 4, 5}));
"""
BRANCHES = """1;
function s = f(k, p)
  if k == 1
    p.a = 1;
  elseif k == 2
    p.a = 2; p.b = 1;
  else
    if nargin < 2, p.a = 5; end
  end
  for i = 1:2
    p.c = i;
  end
  s = p.a + p.c;
end
z.a = 8;
fprintf('%d ', f(1), f(2), f(3), f(1, z), f(3, z));
"""
DEEP = """1;
function s = g(p)
  if nargin < 1
    p.net.b(2) = 3;
    p.list{2} = 1;
  end
  s = sum(p.net.b) + numel(p.list);
end
q.net.b = 1; q.list = {};
fprintf('%d ', g(), g(q));
"""
ROWS = """1;
function m = f(n, m)
  if ~exist('m', 'var')
    for i = 1:n, m(i, :) = [i i*2]; end
  end
  m(1, 1) = 9;
end
fprintf('%d ', f(2), f(2, [1 2; 3 4]));
"""
OF_SCRIPT = """if ~exist('opts', 'var'), opts.n = 3; end
if ~exist('w', 'var'), w(3) = 1; end
if ~exist('c', 'var'), c{2} = 'x'; end
if exist('opts', 'var'), opts.k = 9; end
fprintf('%d ', opts.n, w, numel(c), opts.k);
"""
FROM_EMPTY = """o = []; o.a = 1; o.b.c = 2;
q = []; q.v(3) = 2; s.v(2) = 4;
for i = 1:2, h.rows(i, :) = [i i]; end
fprintf('%d ', o.a, o.b.c, q.v, s.v, h.rows);
"""
CASES = {
    "fields": (FIELDS, "7 9"),
    "empty": (EMPTY, "4 4 8"),
    "parts": (PARTS, "15 13 10"),
    "branches": (BRANCHES, "3 4 7 3 10"),
    "deep": (DEEP, "5 1"),
    "rows": (ROWS, "9 2 2 4 9 3 2 4"),
    "script": (OF_SCRIPT, "3 0 0 1 2 9"),
    "from []": (FROM_EMPTY, "1 2 0 0 2 0 4 1 2 1 2"),
}


@pytest.mark.parametrize(("source", "printed"), CASES.values(), ids=CASES)
def test_what_is_made_in_part_is_made_where_it_is_missing(
    source: str, printed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    made = translate(source)
    assert made.runs, made.todos
    exec(made.python, {})
    assert capsys.readouterr().out.split() == printed.split()


@pytest.mark.octave
def test_octave_makes_the_same(tmp_path: Path) -> None:
    for place, (source, _) in enumerate(CASES.values()):
        (tmp_path / f"case{place}.m").write_text(source + "fprintf('\\n'); clear all\n")
    (tmp_path / "all_cases.m").write_text("".join(f"source case{place}.m\n" for place in range(len(CASES))))
    printed = run_code("all_cases", tmp_path, timeout=60).output
    assert [line.split() for line in printed.splitlines()] == [printed.split() for _, printed in CASES.values()]
