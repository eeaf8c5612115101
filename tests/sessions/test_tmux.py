"""Which tmux will do."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cash.faults import MachineFault
from cash.sessions.tmux import LEAST, find_place, find_tmux, read_version


@pytest.mark.parametrize(
    ("said", "numbers"),
    [
        ("3.3a", (3, 3)),
        ("2.9", (2, 9)),
        ("next-3.6", (3, 6)),
        ("3.10", (3, 10)),
        ("master", (999,)),
    ],
)
def test_versions_are_numbers(said: str, numbers: tuple[int, ...]) -> None:
    assert read_version(said) == numbers


def _tmux(folder: Path, script: str) -> str:
    program = folder / "tmux"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return str(folder)


@pytest.mark.parametrize(
    ("script", "says"),
    [
        (None, "not on PATH"),
        ("echo tmux 2.9a", "is 2.9a; 3.2 or newer is needed"),
        ("exit 1", "cannot be run"),
        ("exec sleep 60", "cannot be run"),
    ],
)
def test_a_tmux_that_will_not_do_is_named_with_what_mends_it(
    tmp_path: Path, script: str | None, says: str
) -> None:
    path = str(tmp_path) if script is None else _tmux(tmp_path, script)
    with pytest.raises(MachineFault, match=says) as caught:
        find_tmux(path)
    assert caught.value.hint == "apt-get install -y tmux"
    assert LEAST == (3, 2)


def test_its_place_is_private_and_short(tmp_path: Path) -> None:
    bin, runtime = tmp_path / "bin", tmp_path / "run"
    bin.mkdir()
    runtime.mkdir()
    path = _tmux(bin, "echo tmux 3.4")
    place = find_place(runtime, "a-repository-of-a-very-long-name" * 4, path)
    assert len(os.fspath(place.socket)) <= len(str(runtime)) + 16
    assert oct(place.socket.parent.stat().st_mode & 0o777) == "0o700"
    assert place.argv("list-windows")[:3] == (str(bin / "tmux"), "-S", str(place.socket))
