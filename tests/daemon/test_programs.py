"""Providers' programs as polisd knows them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from cash.daemon.programs import ProgramFault, Programs
from cash.places import Places
from cash.providers.manifest import Manifest
from cash.providers.program import Program

_TOY = Manifest("toy", "Toy", 1, 1, (), programs=("toy",), install="make toy")


@pytest.fixture
def programs(tmp_path: Path) -> Programs:
    return Programs(Places(tmp_path / "state", tmp_path / "run", tmp_path / "config"))


def _write(folder: Path, version: str) -> None:
    """A program that counts how often it is asked."""
    fresh = folder / "fresh"
    fresh.write_text(f"#!/bin/sh\necho x >>{folder}/asked\necho {version}\n")
    fresh.chmod(0o755)
    fresh.rename(folder / "toy")


def _look(programs: Programs, folder: Path) -> Program:
    return asyncio.run(programs.look(_TOY, f"{folder}:/usr/bin:/bin"))


def test_a_good_one_is_asked_once_and_again_when_it_is_renewed(
    programs: Programs, tmp_path: Path
) -> None:
    _write(tmp_path, "1.0")
    assert [_look(programs, tmp_path).version for _ in range(3)] == ["1.0"] * 3
    assert len((tmp_path / "asked").read_text()) == 2
    _write(tmp_path, "2.0")
    assert _look(programs, tmp_path).version == "2.0"


def test_a_bad_one_is_asked_again(programs: Programs, tmp_path: Path) -> None:
    _write(tmp_path, "none")
    assert _look(programs, tmp_path).trouble
    assert _look(programs, tmp_path).trouble
    assert len((tmp_path / "asked").read_text()) == 4


@pytest.mark.parametrize(("version", "said"), [(None, "is not installed"), ("x", "no version")])
def test_one_of_no_use_is_not_started(
    programs: Programs, tmp_path: Path, version: str | None, said: str
) -> None:
    if version:
        _write(tmp_path, version)
    with pytest.raises(ProgramFault, match=said) as caught:
        asyncio.run(programs.find(_TOY, f"{tmp_path}:/usr/bin:/bin"))
    assert (caught.value.status, caught.value.hint) == (69, "make toy")
    assert caught.value.code == "AGENT_TYPE_UNAVAILABLE"
