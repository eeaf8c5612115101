"""The plan as people read it: every step of an agent's walls, in order."""

from __future__ import annotations

import os
import pwd
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from privilege import needs_root
from walled import lay_ground

from cash.faults import MachineFault
from cash.walls.plan import inside_environment, plan_walls, writable_places
from cash.walls.steps import Bind, Decoy, Place, Text
from cash.walls.view import Mount, View

_KIND = "dedicated" if os.geteuid() == 0 else "rootless"


@pytest.fixture
def view(tmp_path: Path) -> View:
    return lay_ground(_KIND, tmp_path)


def _described(view: View) -> str:
    lines = "\n".join(step.describe() for step in plan_walls(view))
    return lines.replace(str(view.home.parent), "PLACE").replace(", owner mapped", "")


def test_what_an_agent_is_shown(view: View) -> None:
    shown = _described(view).partition("link /var/tmp → /tmp\n")[2]
    # Where polis' own packages lie, for `polis mcp`; pytest's own folder lies in /tmp, which is
    # the agent's scratch.
    lines = [one for one in shown.splitlines() if one != f"{sys.prefix} (read-only)"]
    assert len(lines) == len(shown.splitlines()) - 1
    assert [line for line in lines if not line.startswith(("place ", "folder "))] == [
        "program /run/polis/bin/polis",
        "program /run/polis/bin/git-remote-polis",
        "file /run/polis/mcp.py",
        "file /run/polis/SKILL.md",
        "file /run/polis/hooks/claude/settings.json",
        "file /run/polis/hooks/codex/hooks.json",
        "file /run/polis/hooks/copilot/polis.json",
        "file /run/polis/hooks/cursor/hooks.json",
        "file /run/polis/hooks/gemini/settings.json",
        f"link /run/polis/python → {sys.executable}",
        "/tmp ← PLACE/scratch (read-write)",
        "PLACE/user ← PLACE/home (read-write)",
        "PLACE/volume (read-write)",
        "PLACE/git (read-write)",
        "PLACE/hub/.git/objects (read-only)",
        "PLACE/volume/tree/.git ← PLACE/git-file (read-only)",
        *(
            f"PLACE/user/{name} (an empty decoy)"
            for name in (".ssh", ".aws", ".gnupg", ".kube", ".docker", ".config/gcloud")
        ),
        "/run/polis/pins ← PLACE/volume (read-only)",
        "PLACE/volume/tree pinned",
        "PLACE/volume/packages pinned",
        "/run/polis/pins (an empty decoy)",
        "/dev sealed",
        "/ sealed",
    ]


def test_nothing_writable_but_its_own(view: View) -> None:
    writable = {
        step.target for step in plan_walls(view) if isinstance(step, Bind) and step.writable
    }
    own = {"/tmp", *map(str, (view.git_directory, view.home_inside))}
    assert writable == own | {str(view.tree.parent)}
    folders, files = writable_places(view)
    own |= {str(view.tree), str(view.packages)}
    assert set(folders) == own | {"/dev/shm", f"/run/user/{view.ids[0]}"}
    assert files == ("/dev",)
    assert writable_places(replace(view, debug=True)) == (folders, files)


def test_extras(view: View, tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    extra = Mount(tmp_path / "cache", Path("/srv/cache"), writable=True)
    wider = replace(view, mounts=(extra, Mount(Path("/usr/share"), view.home_inside / ".ssh/x")))
    lines = _described(wider)
    assert "/srv/cache ← PLACE/cache (read-write)" in lines
    assert "/srv/cache" in writable_places(wider)[0]
    # A decoy gives way to what the user has asked to be shown inside it.
    assert str(view.home_inside / ".ssh") not in {
        step.target for step in plan_walls(wider) if isinstance(step, Decoy)
    }


def test_mount_points_in_what_an_agent_writes_are_made_with_care(view: View) -> None:
    places = [step for step in plan_walls(view) if isinstance(step, Place)]
    assert Place(str(view.home), ".ssh", view.owner) in places
    assert Place(str(view.tree.parent), "tree/.git", view.owner, folder=False) in places


@needs_root
def test_who_am_i_has_an_answer(view: View) -> None:
    files = {step.target: step.content for step in plan_walls(view) if isinstance(step, Text)}
    line = files["/etc/passwd"].splitlines()[-1].split(":")
    uid, gid = view.ids
    assert line[:6] == ["alice", "x", str(uid), str(gid), "alice", str(view.home_inside)]
    assert files["/etc/hosts"].endswith("127.0.1.1\talice\n")
    assert inside_environment(view)["USER"] == "alice"


@pytest.mark.parametrize("home", ["/nonexistent", "/srv/elsewhere"])
def test_a_known_uid_has_the_home_that_it_is_told(view: View, home: str) -> None:
    nobody = pwd.getpwnam("nobody")
    ids = (nobody.pw_uid, nobody.pw_gid)
    known = replace(view, ids=ids, owner=ids, mode="rootless", home_inside=Path(home))
    files = {step.target: step.content for step in plan_walls(known) if isinstance(step, Text)}
    assert inside_environment(known)["USER"] == inside_environment(known)["LOGNAME"] == "nobody"
    if home == nobody.pw_dir:
        assert "/etc/passwd" not in files
    else:
        host = Path("/etc/passwd").read_text().splitlines()
        lines = files["/etc/passwd"].splitlines()
        changed = [one for one in lines if one not in host]
        assert [line.split(":")[0:7:5] for line in changed] == [["nobody", home]]
        assert len(lines) == len(host)


def test_something_missing_is_named(view: View) -> None:
    with pytest.raises(MachineFault, match="/gone is to be shown"):
        plan_walls(replace(view, hub_objects=Path("/gone")))


def test_planning_changes_nothing(view: View) -> None:
    before = sorted(str(path) for path in view.home.parent.rglob("*"))
    plan_walls(view)
    assert sorted(str(path) for path in view.home.parent.rglob("*")) == before


def test_the_door_is_shown_where_programs_are_told(view: View, tmp_path: Path) -> None:
    assert "POLIS_SOCKET" not in inside_environment(view)
    (tmp_path / "door").mkdir()
    with_door = replace(view, door=tmp_path / "door")
    assert inside_environment(with_door)["POLIS_SOCKET"] == "/run/polis/agent.sock"
    more = [step for step in plan_walls(with_door) if step not in plan_walls(view)]
    assert [step.describe() for step in more] == [
        "folder /run/polis/door",
        f"/run/polis/door ← {tmp_path}/door (read-only)",
        "link /run/polis/agent.sock → /run/polis/door/s",
    ]
    with pytest.raises(MachineFault, match="is not there"):
        plan_walls(replace(view, door=tmp_path / "gone"))
