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

from cash.walls.probe import probe_machine
from cash.walls.proofs import list_proofs

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
from cash.walls import probe, syscalls
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
print(json.dumps([asdict(found) for found in (*probe._namespaces(), *probe._walls("/tmp"))]))
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


def test_every_promise_holds_in_an_agents_walls(walled: Walled) -> None:
    secret = walled.folder / "secret"
    secret.write_text("secret")
    with socket.create_server(("127.0.0.1", 0)) as host:
        proofs = list_proofs(secret=str(secret), port=host.getsockname()[1])
        broken = [proof for proof in proofs if walled.run(*proof.argv).status != 0]
    assert broken == []
    assert len(proofs) == 15


@pytest.mark.skipif(os.geteuid() != 0, reason="a plain user has fewer ways to break a promise")
def test_promises_are_found_broken_where_there_are_no_walls(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    with socket.create_server(("127.0.0.1", 0)) as host:
        proofs = list_proofs(secret=str(tmp_path / "secret"), port=host.getsockname()[1])
        harmless = {
            "its processes are never uid 0",
            "no capabilities",
            "no way back to privileges",
            "files of the host are not there",
            "host ports are not there",
            "no user namespaces",
            "only its own processes",
            "no kernel keyrings",
            "no tracing of processes",
            "no io_uring (it passes every filter)",
        }
        held = {
            proof.promise
            for proof in proofs
            if proof.promise in harmless and subprocess.run(proof.argv, check=False).returncode == 0
        }
    assert held == set()
