"""rm, wherever it hides: never silently missed, hardly ever imagined."""

from __future__ import annotations

import subprocess
from pathlib import Path

import hidden_commands as lines
import pytest

from cash.syntax.command import Line
from cash.syntax.line import LineReader


def runs_rm(line: Line) -> bool:
    return any((each.name or "").rpartition("/")[2] == "rm" for each in line.commands)


@pytest.mark.parametrize("line", lines.BASH)
def test_the_line_really_runs_rm(line: str, tmp_path: Path) -> None:
    (tmp_path / "victim").touch()
    subprocess.run(
        ["bash", "-c", line],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=30,
        check=False,
    )
    assert not (tmp_path / "victim").exists()


@pytest.mark.parametrize("line", [*lines.OTHERS, *lines.HARMLESS])
def test_the_line_is_valid(line: str) -> None:
    subprocess.run(["bash", "-n", "-c", line], check=True, capture_output=True)


@pytest.mark.parametrize("line", [*lines.BASH, *lines.OTHERS])
def test_rm_is_seen_or_the_line_is_asked_about(line: str, deciding: LineReader) -> None:
    found = deciding.read(line)
    assert runs_rm(found) or found.trouble


@pytest.mark.parametrize("line", [*lines.BASH, *lines.OTHERS])
def test_tree_sitter_alone_misses_nothing_either(line: str, deciding: LineReader) -> None:
    found = deciding.read(line, entry=False)
    assert runs_rm(found) or found.trouble


def test_few_of_them_are_trouble(deciding: LineReader) -> None:
    trouble = [line for line in (*lines.BASH, *lines.OTHERS) if deciding.read(line).trouble]
    assert len(trouble) <= 15


def test_what_only_looks_like_rm_is_not_seen(deciding: LineReader) -> None:
    imagined = [line for line in lines.HARMLESS if runs_rm(deciding.read(line))]
    # shfmt takes the delimiter of <<E'O'F for quoted in part only.
    assert imagined in ([], ["cat <<E'O'F\n$(rm victim)\nEOF"])


def test_the_third_reader_imagines_little(reader: LineReader) -> None:
    imagined = [line for line in lines.HARMLESS if runs_rm(reader.read(line))]
    assert len(imagined) <= 2


def test_enough_lines_are_tried() -> None:
    assert len({*lines.BASH, *lines.OTHERS}) >= 450
    assert len(set(lines.HARMLESS)) >= 75
