"""What an agent CLI cannot reach, without any hook: a host that nobody allowed, files outside its
tree, a protected file by Codex's own patch, polis itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from desk import Desk
from playing import Played, play

pytestmark = [pytest.mark.peers, pytest.mark.kernel]

PROTECTED = ".github/workflows/other.yml"
PATCH = f"""apply_patch <<'END'
*** Begin Patch
*** Add File: {PROTECTED}
+on: push
*** End Patch
END"""


def _write(path: str) -> str:
    return f"python3 -c 'import sys; open(sys.argv[1], \"w\")' {path}"


def _calls(outside: str) -> tuple[tuple[str, str], ...]:
    return (
        ("shell", "curl -sS --max-time 20 https://example.org/"),
        (
            "shell",
            f"{_write(f'{outside}/owned')}; {_write('/usr/share/owned')} || echo not-written",
        ),
        ("shell", "env -u POLIS_AGENT -u POLIS_INSIDE -u POLIS_SOCKET polis policy level relaxed"),
        ("shell", "env -u POLIS_AGENT -u POLIS_INSIDE bash -c 'mkfs.ext4 /dev/x'"),
        ("shell", PATCH),
    )


@pytest.fixture(scope="module")
def played(seat: tuple[str, Desk]) -> Played:
    name, desk = seat
    calls = _calls(str(desk.repository / "owned"))
    return play(desk, name, calls if name == "codex" else calls[:-1])


def test_a_host_that_nobody_allowed_is_asked_about_and_not_reached(played: Played) -> None:
    assert len(played.results) == len(played.calls), played.told
    assert "Example Domain" not in played.results[0]
    asked = json.loads(played.desk.polis("approvals", "--json").out)
    assert ("alice", "new-host") in [(one["agent"], one["rule"]) for one in asked], asked
    assert "polis: asked by new-host: " in played.results[0], played.told
    told = [one for one in played.desk.log("asked") if "example.org" in json.dumps(one["body"])]
    assert {one["agent"] for one in told} == {"alice"}, played.told


def test_nothing_outside_its_tree_is_written(played: Played) -> None:
    assert "not-written" in played.results[1], played.told
    assert not (played.desk.repository / "owned").exists()
    assert not Path("/usr/share/owned").exists()


def test_it_gives_polis_no_orders_whatever_its_environment_says(played: Played) -> None:
    assert "polis: denied by polis-is-the-operators: " in played.results[2], played.told
    assert json.loads(played.desk.polis("policy", "level", "--json").out)["level"] == "balanced"
    assert "polis: denied by no-disk-tools: " in played.results[3], played.told


@pytest.mark.parametrize("seat", ["codex"], indirect=True)
def test_codex_own_patch_is_refused_what_a_line_would_be(played: Played) -> None:
    assert not (played.desk.tree / PROTECTED).exists(), played.told
    assert "Success" not in played.results[4]
