"""MATLAB source is split into code, strings and comments."""

from __future__ import annotations

import pytest

from hf_matlab_compat.matlab.source.text import function_line, functions, without_comments


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("a = 1; % note", "a = 1; "),
        ("a = b'; % it's", "a = b'; "),
        ("say('100% of it') % note", "say('100% of it') "),
        ("say('it''s 5%'); # note", "say('it''s 5%'); "),
        ('say("50%"), x = 2', 'say("50%"), x = 2'),
        ("f(a, ... rest", "f(a, "),
    ],
)
def test_comments_are_cut_off_and_strings_are_not(line, code):
    assert without_comments(line) == [code]


def test_block_comments_are_no_code():
    assert without_comments("a\n%{\nb = 2\n%}\nc") == ["a", "", "", "", "c"]


def test_a_function_line_over_several_lines_is_read_whole():
    source = "% help\nfunction [a, b] = f(x, ... first\n  y)\nbody(1)"
    assert function_line(source) == ("f", ["x", "y"], ["a", "b"])


def test_a_script_has_no_function_line():
    assert function_line("x = 1;\nfunction f()\nend") is None


def test_nested_functions_are_listed_and_commented_ones_are_not():
    assert functions("function a()\n  function [x] = b(y)\n  end\n%function c()\nend") == ["a", "b"]
