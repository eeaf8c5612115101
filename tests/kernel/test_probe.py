"""doctor's probes: what they find here, and that each promise can be found broken."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from walled import Walled

from cash.keeper import proving
from cash.keeper.forking import Zygote
from cash.keeper.proofs import FORBIDDEN, POLICY, RACE
from cash.keeper.proving import Trial, prove_keeping
from cash.walls.probe import probe_machine
from cash.walls.proofs import Proof, list_proofs
from cash.walls.trial import find_python

pytestmark = pytest.mark.kernel


def test_everything_needed_holds_here(tmp_path: Path) -> None:
    findings = probe_machine(tmp_path)
    assert [found for found in findings if found.needed and not found.holds] == []
    names = [found.name for found in findings]
    assert len(set(names)) == len(names)
    assert {"kernel", "landlock", "namespaces", "walls", "kernel settings cannot be written"} <= {
        *names
    }
    assert all(found.mend or found.holds or not found.needed for found in findings)
    assert list(tmp_path.iterdir()) == []


# A user namespace in which an administrator has forbidden more of them, entered by a plain user.
_FORBIDDEN = """
import json, os, sys
from dataclasses import asdict
from cash.walls import probe, syscalls, trial
pid, _ = syscalls.clone(syscalls.CLONE_NEWUSER)
if pid:
    for name in ("uid_map", "gid_map"):
        open(f"/proc/{pid}/{name}", "w").write("0 0 65536")
    sys.exit(os.waitpid(pid, 0)[1])
while os.geteuid() or os.getegid():
    pass
open("/proc/sys/user/max_user_namespaces", "w").write("0")
os.setresgid(54321, 54321, 54321)
os.setresuid(54321, 54321, 54321)
print(json.dumps([asdict(found) for found in (*probe._namespaces(), *trial.try_walls("/tmp"))]))
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="forbidding needs root")
def test_what_is_missing_names_its_step() -> None:
    ran = subprocess.run([sys.executable, "-c", _FORBIDDEN], capture_output=True, check=True)
    namespaces, walls = json.loads(ran.stdout)
    assert namespaces == {
        "name": "namespaces",
        "holds": False,
        "detail": "clone: No space left on device",
        "mend": "sudo sysctl -w user.max_user_namespaces=10000",
        "needed": True,
    }
    assert (walls["name"], walls["holds"]) == ("walls", False)
    assert walls["detail"] == "this machine refuses new namespaces (clone: No space left on device)"


def _list(folder: Path, port: int) -> tuple[Proof, ...]:
    (folder / "secret").write_text("secret")
    (folder / "other").mkdir()
    names = {"secret": str(folder / "secret"), "other": str(folder / "other")}
    return list_proofs(**names, port=port, python=find_python())


def test_every_promise_holds_in_an_agents_walls(walled: Walled) -> None:
    folder = walled.folder / "outside"
    folder.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as host:
        proofs = _list(folder, host.getsockname()[1])
        broken = [proof for proof in proofs if walled.run(*proof.argv).status != 0]
    assert broken == []
    assert len(proofs) == 21


@pytest.mark.skipif(os.geteuid() != 0, reason="a plain user has fewer ways to break a promise")
def test_promises_are_found_broken_where_there_are_no_walls(tmp_path: Path) -> None:
    harmful = {
        "kernel settings cannot be written",
        "the system cannot be written",
        "places of keys are empty",
        "no network but the proxy",
        "nothing can be mounted",
    }
    with socket.create_server(("127.0.0.1", 0)) as host:
        proofs = _list(tmp_path, host.getsockname()[1])
        held = {
            proof.promise
            for proof in proofs
            if proof.promise not in harmful
            and subprocess.run(proof.argv, check=False).returncode == 0
        }
    # A kernel may have been built without what is tried.
    assert held <= {"x32 calls are killed", "32-bit calls are killed"}


# A machine whose kernel goes on with a call that nobody listens for.
_UNHEARD = """
import os
from cash.walls import probe, trap
trap.install_trap = lambda program: os.dup(0)
(found,) = probe._listeners()
assert (found.holds, found.detail) == (False, "it goes on"), found
"""


def test_an_exec_that_goes_on_without_its_keeper_is_found() -> None:
    subprocess.run([sys.executable, "-c", _UNHEARD], check=True, stdin=subprocess.DEVNULL)


def test_every_promise_of_a_keeper_holds_here(tmp_path: Path) -> None:
    findings = {found.name: found for found in prove_keeping(tmp_path)}
    assert [name for name, found in findings.items() if not found.holds] == []
    assert list(findings) == KEEPING
    assert list(tmp_path.iterdir()) == []


KEEPING = [
    "each exec is judged",
    "no child starts a forbidden program",
    "a forbidden program starts by no other name",
    "no program is swapped under its verdict",
    "the keeper is out of sight",
    "nothing goes on without the keeper",
]


def _broken(folder: Path) -> dict[str, str]:
    return {found.name: found.detail for found in prove_keeping(folder) if not found.holds}


def test_a_policy_that_nobody_enforces_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proving, "POLICY", POLICY.replace(FORBIDDEN, "nothing"))
    broken = _broken(tmp_path)
    assert list(broken) == KEEPING[1:4]
    assert broken[KEEPING[2]] == "broken from inside: a symbolic link, a hard link, a path about"


def test_execs_that_all_fail_prove_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where even what is permitted does not start, nothing is shown by what does not."""
    monkeypatch.setattr(Trial, "_judge", lambda *_: proving.ExecVerdict("refuse", "no", 126))
    monkeypatch.setattr(
        proving, "POLICY", POLICY.replace("decide: deny", "decide: deny\n  unknown: deny")
    )
    monkeypatch.setattr(proving, "PERMITTED", FORBIDDEN)
    assert KEEPING[:3] == list(_broken(tmp_path))[:3]


def test_a_keeper_in_sight_and_one_that_is_not_needed_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proving, "SIGHT", "grep -q '^PPid:[[:space:]]*77777$' /proc/$$/status")
    with subprocess.Popen(["sleep", "60"]) as other:  # it dies in the keeper's place
        dies = Trial.dies_with_its_keeper

        def spare(trial: Trial) -> bool:
            trial.keeper = other.pid
            return dies(trial)

        monkeypatch.setattr(Trial, "dies_with_its_keeper", spare)
        assert list(_broken(tmp_path)) == KEEPING[4:]
    assert list(tmp_path.iterdir()) == []


def test_a_race_is_one(tmp_path: Path) -> None:
    """Where nobody judges, both programs start."""
    for name in ("polis-permitted", FORBIDDEN):
        (tmp_path / name).write_text(f"#!/bin/sh\necho {name}\n")
        (tmp_path / name).chmod(0o755)
    words = ("polis-permitted", FORBIDDEN, "200")
    ran = subprocess.run(
        [find_python(), "-I", "-S", "-c", RACE, *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.count(f"{FORBIDDEN}\n") > 10
    assert ran.stdout.count("polis-permitted\n") > 10


def test_a_keeper_that_cannot_be_had_is_a_finding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proving, "Zygote", lambda: Zygote(python="/bin/false"))
    (found,) = prove_keeping(tmp_path)
    assert (found.name, found.holds, found.needed) == (KEEPING[0], False, True)
    assert found.mend
    assert list(tmp_path.iterdir()) == []
