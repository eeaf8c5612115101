"""What a reader of lines keeps running."""

from __future__ import annotations

import os
from pathlib import Path

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
