"""What an agent can ask of polisd from inside its walls, and what it cannot."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from desk import Desk, make_desk
from installation import Installation, Ran
from running import kill_pids, until

from cash.daemon.calls import CALLS, FOLLOWED
from cash.daemon.inside_calls import INSIDE, LONGEST_APPEAL, MOST_APPEALS

pytestmark = pytest.mark.kernel

_ASK = """
import socket, sys
with socket.socket(socket.AF_UNIX) as polisd:
    polisd.settimeout(10)
    polisd.connect(sys.argv[1])
    polisd.sendall(sys.stdin.buffer.read())
    polisd.shutdown(socket.SHUT_WR)
    print(b"".join(iter(lambda: polisd.recv(65536), b"")).decode())
"""


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """One for all that look only."""
    installation = Installation(tmp_path_factory.mktemp("i")).make()
    yield make_desk(installation)
    installation.stop()


def _inside(desk: Desk, *words: str, name: str = "alice", **how: Any) -> Ran:
    return desk.polis("exec", name, "--", "/run/polis/bin/polis", *words, **how)


def _asked(desk: Desk, *words: str) -> dict[str, Any]:
    ran = _inside(desk, *words)
    assert ran.status == 0, ran.err
    found: dict[str, Any] = json.loads(ran.out)
    return found


def test_who_am_i(shared: Desk) -> None:
    found = _asked(shared, "whoami")
    assert found == {
        "agent": "alice",
        "provider": "shell",
        "branch": "agent/alice",
        "tree": str(shared.tree),
        "repository": "shop",
        "level": "balanced",
        "hosts": [],
        "proxy": "http://127.0.0.1:3128",
        "tmp": "/tmp",
        "ask_seconds": 2.0,
    }
    assert shared.line("echo $POLIS_SOCKET").out == "/run/polis/agent.sock\n"


@pytest.mark.parametrize(
    ("line", "decision"),
    [
        ("ls", "allow"),
        ("rm -rf /", "deny"),
        ("git push -f origin main", "ask"),
        ("echo 'it''s'; ls", "allow"),
    ],
)
def test_a_line_is_explained_and_nothing_happens(shared: Desk, line: str, decision: str) -> None:
    found = _asked(shared, "explain", line)
    assert found["decision"] == decision
    assert found.keys() == {"decision", "rewritten", "rules", "text"}
    assert all(one.keys() == {"id", "decision", "reason", "hint"} for one in found["rules"])
    assert json.loads(shared.polis("approvals", "--json").out) == []
    assert [one["body"]["line"] for one in shared.log("line") if one["body"]["line"] == line] == []


def test_refusals_come_with_reason_and_hint(desk: Desk) -> None:
    assert desk.line("echo x; mkfs.ext4 /dev/x").status == 126
    assert desk.line("git push -f origin main").status == 124
    assert desk.line("ls").status == 0
    asked, refused = _asked(desk, "refusals")["refusals"]
    assert (asked["approval"], asked["what"]) == (
        "unanswered",
        {"line": "git push -f origin main"},
    )
    assert refused["rule"] == "no-disk-tools"
    assert refused["reason"]
    assert refused["hint"] == "lsblk"


def test_refusals_are_ones_own(desk: Desk) -> None:
    assert desk.polis("agents", "add", "bob").status == 0
    assert desk.line("mkfs.ext4 /dev/x").status == 126
    ran = _inside(desk, "refusals", name="bob")
    assert json.loads(ran.out) == {"refusals": []}


def test_an_appeal_is_a_question_that_lets_nothing_through(desk: Desk) -> None:
    line = "git push -f origin main"
    found = _asked(desk, "appeal", "may I push?", "token=AKIAIOSFODNN7EXAMPLE")
    assert found["answer"] is None
    (question,) = json.loads(desk.polis("approvals", "--json").out)
    assert question["id"] == found["id"]
    assert question["rule"] == "appeal"
    assert question["line"].startswith("appeal: may I push?")
    assert "AKIAIOSFODNN7EXAMPLE" not in question["line"]
    assert _asked(desk, "appeal", "may I push?", "token=AKIAIOSFODNN7EXAMPLE") == found
    assert desk.polis("approvals", "allow", found["id"], "--for", "1h").status == 0
    told = _asked(desk, "appeal", "may I push?", "token=AKIAIOSFODNN7EXAMPLE")
    assert told == {"id": None, "answer": "yes"}
    assert desk.line(line).status == 124
    asked = [one["body"]["rule"] for one in desk.log("asked")]
    assert asked[0] == "appeal"


def test_appeals_are_few_and_short(desk: Desk) -> None:
    for number in range(MOST_APPEALS):
        _asked(desk, "appeal", f"number {number}")
    ran = _inside(desk, "appeal", "one more")
    assert (ran.status, ran.err) == (
        125,
        f"polis: {MOST_APPEALS} appeals are open already\nhint: wait for an answer\n",
    )
    assert _asked(desk, "appeal", "number 0")["answer"] is None
    ran = _inside(desk, "appeal", "x" * (LONGEST_APPEAL + 1))
    assert (ran.status, ran.out) == (64, "")
    assert _inside(desk, "appeal", " ").status == 64


def test_nothing_that_decides_can_be_asked_for(shared: Desk) -> None:
    assert not {*CALLS, *FOLLOWED} & INSIDE.keys() - {"explain"}
    for verb in ("approvals", "policy", "down", "log"):
        ran = shared.polis(
            *("exec", "alice", "--", "python3", "-c", _ASK, "/run/polis/agent.sock"),
            input=f"{verb}\n{{}}".encode(),
        )
        assert ran.out.startswith("64 0\npolis: there is no such verb in here\n"), ran.err
    said = shared.polis(
        *("exec", "alice", "--", "python3", "-c", _ASK, "/run/polis/agent.sock"),
        input=b'J\0\0\0\x10{"verb": "down"}',
    )
    assert said.out.startswith("64 0\npolis: that is no request\n")
    assert shared.polis("agents", "list").status == 0


def test_another_agents_socket_cannot_be_reached(desk: Desk) -> None:
    assert desk.polis("agents", "add", "bob").status == 0
    for name in ("alice", "bob"):
        assert desk.polis("exec", name, "--", "true").status == 0
    doors = sorted((desk.installation.folder / "run/polis/doors").iterdir())
    assert len(doors) == 2
    found = json.loads(_inside(desk, "whoami", name="bob").out)
    assert found["agent"] == "bob"
    # Who asks is whose socket it is, whatever the environment says.
    ran = desk.polis("exec", "bob", "--", "env", "POLIS_AGENT=alice", "polis", "whoami")
    assert json.loads(ran.out)["agent"] == "bob"
    for door in doors:
        ran = desk.polis("exec", "bob", "--", "python3", "-c", _ASK, str(door / "s"))
        assert "No such file" in ran.err
    ran = desk.polis("exec", "bob", "--", "find", "/run", "-type", "s")
    assert ran.out == "/run/polis/door/s\n"


def test_the_socket_and_its_folder_cannot_be_changed(shared: Desk) -> None:
    for line in (
        "rm /run/polis/door/s",
        "rm /run/polis/agent.sock",
        "touch /run/polis/door/x",
        "mv /run/polis/door /tmp",
        "echo x >/run/polis/bin/polis",
        "echo x >/run/polis/hooks/claude/settings.json",
        "chmod 000 /run/polis/door/s",
    ):
        assert shared.line(line).status != 0, line
    assert _asked(shared, "whoami")["agent"] == "alice"


def test_the_environment_is_not_needed(shared: Desk) -> None:
    ran = shared.polis("exec", "alice", "--", "env", "-i", "/run/polis/bin/polis", "whoami")
    assert json.loads(ran.out)["agent"] == "alice"


def test_it_outlives_polisd_and_the_keeper(desk: Desk) -> None:
    assert _asked(desk, "whoami")["agent"] == "alice"
    folder = os.stat(desk.installation.folder / "run/polis/doors")
    kill_pids([desk.keeper])
    until(lambda: len(desk.log("keeper-replaced")) == 1)
    assert _asked(desk, "whoami")["agent"] == "alice"
    (polisd,) = desk.pids("-m cash.daemon")
    os.kill(polisd, signal.SIGKILL)
    until(lambda: not Path(f"/proc/{polisd}").exists())
    assert _asked(desk, "whoami")["agent"] == "alice"
    assert os.stat(desk.installation.folder / "run/polis/doors").st_ino == folder.st_ino
    assert desk.log("stopped") == []
    assert desk.log("lost") == []


def test_it_goes_with_the_walls(desk: Desk) -> None:
    assert _asked(desk, "whoami")["agent"] == "alice"
    assert desk.polis("agents", "stop", "alice").status == 0
    assert list((desk.installation.folder / "run/polis/doors").iterdir()) == []


def test_a_flood_from_inside_stops_nobody(desk: Desk) -> None:
    flood = (
        "import socket\n"
        "held = []\n"
        "for _ in range(300):\n"
        "    one = socket.socket(socket.AF_UNIX); one.setblocking(False)\n"
        "    try: one.connect('/run/polis/agent.sock')\n"
        "    except OSError: pass\n"
        "    held.append(one)\n"
        "print(len(held), flush=True)\n"
        "import time; time.sleep(4)\n"
    )
    (desk.tree / "flood.py").write_text(flood)
    assert desk.line("python3 flood.py >/tmp/out 2>&1 &").status == 0
    until(lambda: desk.line("cat /tmp/out").out == "300\n")
    (polisd,) = desk.pids("-m cash.daemon")
    assert len(list(Path(f"/proc/{polisd}/fd").iterdir())) < 80
    assert desk.polis("agents", "list").status == 0
    until(lambda: _inside(desk, "whoami").status == 0, 30)
