"""Real programs that are asked for their version: good ones, and every kind of bad one."""

from __future__ import annotations

import stat
import time
from dataclasses import replace
from pathlib import Path

import pytest

from cash.providers import program
from cash.providers.facets import Capability, Version
from cash.providers.manifest import Manifest
from cash.providers.program import Program, find_program, probe_program

_TOY = Manifest(
    name="toy",
    description="Toy",
    tool_timeout=1,
    memory=1,
    hosts=(),
    programs=("toy",),
    install="npm install -g toy",
    version=Version(least=(2, 0)),
    capabilities={
        "resume": Capability(help="--resume", note="no resuming"),
        "late": Capability(least=(3,), note="not yet"),
    },
)
_GOOD = 'case $1 in --version) echo "toy 2.1.0 (Toy)";; --help) echo "  --resume ID  go on";; esac'


def _probe(folder: Path, script: str | None, manifest: Manifest = _TOY) -> Program:
    if script is not None:
        (folder / "toy").write_text(f"#!/bin/bash\n{script}\n")
        (folder / "toy").chmod(0o755)
    return probe_program(manifest, f"{folder}:/usr/bin:/bin", folder / "scratch")


def test_what_it_is_and_can_do(tmp_path: Path) -> None:
    found = _probe(tmp_path, _GOOD)
    assert found == Program("toy", f"{tmp_path}/toy", "2.1.0", ("late",), "", "")
    assert found.describe(_TOY)["capabilities"] == {"resume": True, "late": False}
    assert found.describe(_TOY)["notes"] == ["not yet"]


@pytest.mark.parametrize(
    ("script", "trouble"),
    [
        (None, "Toy is not installed: no toy on PATH"),
        ("echo 1.9.9", "{toy} is 1.9.9, and polis needs 2.0 or newer"),
        ("echo hello", "{toy} --version says no version: hello"),
        ("exit 3", "{toy} --version says no version: nothing"),
        ("printf '\\x1b]0;evil\\x07\\xff\\n'", "{toy} --version says no version: ?]0;evil?\ufffd"),
        (
            "yes garbage",
            "{toy} --version says no version: garbage garbage garbage garbage garbage ",
        ),
        ("kill -9 $$", "{toy} --version says no version: nothing"),
    ],
)
def test_what_is_of_no_use_gets_one_line_and_the_command_that_mends_it(
    tmp_path: Path, script: str | None, trouble: str
) -> None:
    found = _probe(tmp_path, script)
    assert found.trouble == trouble.format(toy=tmp_path / "toy")
    assert found.trouble.isprintable()
    assert found.hint == "npm install -g toy"
    assert not found.describe(_TOY)["usable"]


def test_one_that_cannot_be_started(tmp_path: Path) -> None:
    (tmp_path / "toy").write_text("#!/nowhere/node\n")
    (tmp_path / "toy").chmod(0o755)
    assert _probe(tmp_path, None).trouble.endswith("cannot be started: No such file or directory")


@pytest.mark.alone
def test_one_that_hangs_is_ended_with_all_it_has_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert program.PROBE_SECONDS == 5.0
    monkeypatch.setattr(program, "PROBE_SECONDS", 0.5)
    began = time.monotonic()
    found = _probe(tmp_path, f"sleep 300 & echo $! >{tmp_path}/pid; wait")
    assert time.monotonic() - began < 3
    assert found.trouble == f"{tmp_path}/toy --version did not answer within 0 s"
    _wait_end(int((tmp_path / "pid").read_text()))


@pytest.mark.alone
def test_what_it_leaves_behind_keeps_nobody_waiting(tmp_path: Path) -> None:
    began = time.monotonic()
    found = _probe(tmp_path, f"sleep 300 & echo $! >{tmp_path}/pid; {_GOOD}")
    assert found.version == "2.1.0"
    assert time.monotonic() - began < 3
    _wait_end(int((tmp_path / "pid").read_text()))


def test_it_is_asked_in_an_empty_home_with_nothing_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "mine")
    script = f'echo "$HOME $SECRET_TOKEN $(ls -A | wc -l)" >{tmp_path}/seen; touch x; {_GOOD}'
    _probe(tmp_path, script)
    home, files = (tmp_path / "seen").read_text().split()
    assert home.startswith(f"{tmp_path}/scratch/")
    assert files == "1"  # its own x, made when it was asked for its version; no token
    assert list((tmp_path / "scratch").iterdir()) == []


def test_a_package_says_the_version_without_being_run(tmp_path: Path) -> None:
    package = tmp_path / "lib/node_modules/@far/toy"
    (package / "bin").mkdir(parents=True)
    (package / "package.json").write_text('{"name": "@far/toy", "version": "2.5.0-beta"}')
    (package / "bin/toy.js").write_text("#!/bin/sh\nsleep 300\n")
    (package / "bin/toy.js").chmod(0o755)
    (tmp_path / "toy").symlink_to(package / "bin/toy.js")
    manifest = replace(_TOY, version=Version(package="@far/toy"), capabilities={})
    assert _probe(tmp_path, None, manifest).version == "2.5.0-beta"


def test_the_first_name_that_is_there_is_taken(tmp_path: Path) -> None:
    (tmp_path / "toy").touch()
    assert find_program(_TOY, str(tmp_path)) == ""  # nobody may run it
    (tmp_path / "toy").chmod((tmp_path / "toy").stat().st_mode | stat.S_IXUSR)
    both = replace(_TOY, programs=("other", "toy"))
    assert find_program(both, f"/nowhere:{tmp_path}") == str(tmp_path / "toy")


def _wait_end(pid: int) -> None:
    deadline = time.monotonic() + 5
    while _runs(pid):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _runs(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
