"""What a reader of lines keeps running."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cash.syntax.line import LineReader


def _children() -> set[str]:
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())


def test_shfmt_starts_with_the_first_typed_line() -> None:
    before = _children()
    reader = LineReader()
    try:
        assert dict(reader.read("ls | wc `x`", entry=False).readers) == {"tree-sitter": "ok"}
        assert _children() == before
        assert reader.read("ls | wc").readers["shfmt"] == "ok"
        reader.prepare()
        assert _children() > before
    finally:
        reader.close()
    assert _children() == before


@pytest.mark.parametrize(
    ("text", "broken"),
    [
        ("echo 'a", "line 1: unexpected EOF while looking for matching `''"),
        ("true\n)\x1b[2J", "line 2: syntax error near unexpected token `)'"),
        ("cat <<E\nx", ""),  # bash takes the end of the text for that of the here-document
        ("shopt -s extglob\nls !(a)", ""),  # bash -n does not know that it will be on
        ("echo a", ""),
        ("$(" * 200 + "true" + ")" * 200, ""),
    ],
)
def test_a_line_is_broken_where_bash_says_so_and_no_reader_can_read_it(
    deciding: LineReader, text: str, broken: str
) -> None:
    assert deciding.read(text).broken == broken
    assert deciding.read_argv(["bash", "-lc", text]).broken == broken
    # One reader alone does not say so.
    assert deciding.read(text, entry=False).broken == ""


def test_what_stands_behind_a_broken_text_is_not_taken_for_it(deciding: LineReader) -> None:
    line = deciding.read("bash -c ')'; true")
    assert (line.broken, line.trouble is not None) == ("", True)
