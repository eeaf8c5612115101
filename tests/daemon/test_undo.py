"""What agents' commands have changed is taken back: files, and what git knows."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from desk import Desk, make_desk
from installation import Installation

pytestmark = pytest.mark.kernel


@pytest.fixture
def desk(next_desk: Desk) -> Desk:
    return next_desk


def _picture(folder: Path, *, skip: str = "") -> dict[str, tuple[str, int, bytes]]:
    """Every file and folder below: its kind, mode and content."""
    found = {}
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(place, name)
            relative = str(path.relative_to(folder))
            if skip and f"{relative}/".startswith(f"{skip}/"):
                continue
            mode = path.lstat().st_mode
            if path.is_symlink():
                found[relative] = ("link", mode, os.readlink(path).encode())
            elif path.is_dir():
                found[relative] = ("folder", mode, b"")
            else:
                found[relative] = ("file", mode, path.read_bytes())
    return found


def _both(desk: Desk) -> tuple[dict[str, Any], dict[str, Any]]:
    """The tree and git's own state but for its objects, byte for byte."""
    git = desk.folder_of("alice") / "git"
    return _picture(desk.tree), _picture(git, skip="objects")


def _undo(desk: Desk, *words: str, status: int = 0) -> dict[str, Any]:
    ran = desk.polis("undo", "--agent", "alice", "--json", *words)
    assert ran.status == status, ran.err
    found: dict[str, Any] = json.loads(ran.out)
    return found


def test_a_file_that_was_changed(desk: Desk) -> None:
    before = _both(desk)
    assert desk.line("echo more >>README.md").status == 0
    done = _undo(desk)
    assert [(one["path"], one["what"]) for one in done["files"]] == [("README.md", "reset")]
    assert done["refused"] == []
    assert _both(desk) == before


_LAY = """
mkdir -p src/deep/er && for n in 1 2 3 4; do
    echo $n >src/deep/er/$n; echo $n >src/$n; git add -A; git commit -qm "c$n"
done
echo '*.log' >.gitignore; git add .gitignore; git commit -qm ignore
echo kept >build.log; mkdir out; echo made >out/new; ln -s ../src/1 out/link; chmod 755 src/2
echo dirty >src/3; echo staged >src/4; git add src/4
git tag light; git branch side HEAD~1; git stash -q; git stash apply -q --index
echo again >>src/1; git stash -q; git stash apply -q --index; git pack-refs --all
"""
_WRECK = "rm -rf src && git clean -fdx && git reset --hard HEAD~3 && git stash clear"


def test_everything_wrecked_at_once(desk: Desk) -> None:
    ran = desk.line(
        _LAY.strip().replace("\n", "; ").replace("do;", "do").replace("; done", "; done")
    )
    assert ran.status == 0, ran.err
    before = _both(desk)
    stashes = desk.line("git stash list").out
    assert len(stashes.splitlines()) == 2
    assert desk.line(_WRECK).status == 124
    assert desk.polis("approvals", "allow", "q1").status == 0
    ran = desk.line(_WRECK)
    assert ran.status == 0, ran.err
    assert not (desk.tree / "src").exists() or not (desk.tree / "src/4").exists()
    assert not (desk.tree / "build.log").exists()
    assert desk.line("git stash list").out == ""
    done = _undo(desk)
    assert done["refused"] == []
    after = _both(desk)
    for mine, its in zip(after, before, strict=True):
        assert sorted(mine) == sorted(its)
        assert {name: one for name, one in mine.items() if one != its[name]} == {}
    assert desk.line("git stash list").out == stashes
    assert desk.line("git fsck --strict && git status --short").status == 0


def _log(desk: Desk, id: str) -> dict[str, str]:
    ran = desk.polis("log", "--files", id, "--json")
    assert ran.status == 0, ran.err
    return {one["path"]: one["what"] for one in json.loads(ran.out)["files"]}


def _list(desk: Desk) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(
        desk.polis("undo", "--agent", "alice", "--list", "--json").out
    )
    return found


def test_one_after_the_other_and_back_again(desk: Desk) -> None:
    pictures = [_picture(desk.tree)]
    for line in ("echo 1 >one", "echo 2 >>one; mkdir d; echo d >d/d", "rm -r one d"):
        assert desk.line(line).status == 0
        pictures.append(_picture(desk.tree))
    assert desk.line("ls; git status").status == 0  # changes nothing
    undone = []
    for picture in reversed(pictures[:-1]):
        undone.append(_undo(desk))
        assert _picture(desk.tree) == picture
    ran = desk.polis("undo", "--agent", "alice")
    assert (ran.status, ran.out) == (64, "")
    assert ran.err.startswith("polis: alice has changed nothing that can be taken back\nhint: ")
    for one, picture in zip(reversed(undone), pictures[1:], strict=True):
        assert _undo(desk, one["undo"])["refused"] == []
        assert _picture(desk.tree) == picture
    told = desk.log("undone")
    assert [entry["body"]["undoes"] for entry in told[:3]] == [one["id"] for one in undone]


def test_what_it_shows(desk: Desk) -> None:
    assert desk.line("echo 1 >new; echo x >>README.md; chmod +x README.md; mkdir d").status == 0
    assert desk.line("mv d e; rm new; echo f >e/f").status == 0
    second, first = _list(desk)
    assert first["line"].startswith("echo 1 >new")
    assert (first["approval"], first["undone"], first["files"]) == ("policy", False, 3)
    assert _log(desk, first["id"]) == {"new": "created", "README.md": "changed", "d": "created"}
    assert _log(desk, second["id"][:6]) == {
        "e": "moved from d",
        "new": "deleted",
        "e/f": "created",
    }
    dry = _undo(desk, "--dry-run")
    assert {one["path"]: one["what"] for one in dry["files"]} == {
        "e/f": "removed",
        "new": "restored",
        "e": "moved",
    }
    assert (dry["undo"], dry["dry_run"]) == (None, True)
    assert (desk.tree / "e/f").exists()
    ran = desk.polis("undo", "--agent", "alice", "--list")
    assert ran.out.splitlines()[0].split() == ["ID", "TIME", "FILES", "COMMAND"]
    _undo(desk)
    shown = _list(desk)
    assert [one["undone"] for one in shown] == [False, True, False]
    assert shown[0]["undoes"] == second["id"]


def test_git_is_taken_back_whole_or_not_at_all(desk: Desk) -> None:
    assert desk.line("echo 1 >one; git add one; git commit -qm one; echo 2 >two").status == 0
    (first,) = _list(desk)
    assert desk.line("git commit -q --allow-empty -m more").status == 0
    before = _both(desk)
    done = _undo(desk, first["id"], status=125)
    assert {one["path"] for one in done["files"]} == {"one", "two"}
    assert {".git/index", ".git/logs/HEAD"} <= {one["path"] for one in done["refused"]}
    assert _both(desk)[1] == before[1]
    (second,) = [one for one in _list(desk) if one["line"] and "more" in one["line"]]
    _undo(desk, second["id"])
    assert desk.line("git log --format=%s -1").out == "one\n"
    assert desk.installation.git(desk.repository, "log", "-1", "--format=%s", "agent/alice") == (
        "one\n"
    )
    _undo(desk, first["id"])
    assert desk.line("git log --format=%s -1").out == "Begin\n"
    assert desk.installation.git(desk.repository, "log", "-1", "--format=%s", "agent/alice") == (
        "Begin\n"
    )


def test_a_look_of_gits_is_no_change(desk: Desk) -> None:
    assert desk.line("echo 1 >one; git add one").status == 0
    while _list(desk)[0]["ended"] is None:
        time.sleep(0.05)
    os.utime(desk.tree / "one", (5, 5))
    assert desk.line("git status").status == 0  # which writes the index anew
    assert len(_list(desk)) == 1
    assert _undo(desk)["refused"] == []
    assert desk.line("git status --short").out == ""


def test_another_agents_and_ones_own_changes_stay(desk: Desk) -> None:
    assert desk.line("echo 1 >one; echo 2 >two; mkdir d").status == 0
    (desk.tree / "one").write_text("mine\n")
    (desk.tree / "d/mine").write_text("mine\n")
    ran = desk.polis("undo", "--agent", "alice")
    assert ran.status == 125
    assert sorted(ran.err.splitlines()) == [
        "polis: d stays: there is something else in it, or in its place",
        "polis: one stays: somebody else has changed it since",
    ]
    assert (desk.tree / "one").read_text() == (desk.tree / "d/mine").read_text() == "mine\n"
    assert not (desk.tree / "two").exists()


def test_what_polis_has_changed_since_is_called_by_its_name(desk: Desk) -> None:
    assert desk.line("echo 1 >one; git add one; git commit -qm one; echo 2 >one").status == 0
    assert desk.polis("agents", "discard", "alice", "--yes").status == 0
    (discarded,) = desk.log("discarded")
    assert (discarded["body"]["files"], discarded["body"]["changed"]) == (1, ["one"])
    ran = desk.polis("undo", "--agent", "alice", "--dry-run")
    assert "polis: one stays: polis agents discard has changed it since\n" in ran.err
    assert "somebody else" not in ran.err


def test_and_so_are_a_commit_of_polis_and_an_undo(desk: Desk) -> None:
    assert desk.line("echo 1 >one; git add one; git commit -qm one; echo 2 >one").status == 0
    assert desk.polis("agents", "merge", "alice", "--yes", "--commit", "Two").status == 0
    ran = desk.polis("undo", "--agent", "alice", "--dry-run")
    assert "polis, which has committed what was left, has changed it since\n" in ran.err
    assert "somebody else" not in ran.err
    assert desk.line("echo 3 >two").status == 0
    done = _undo(desk)
    assert desk.line("echo 4 >two").status == 0
    ran = desk.polis("undo", "--agent", "alice", done["id"], "--dry-run")
    assert f"polis: two stays: polis undo ({done['undo']}) has changed it since\n" in ran.err


def test_blame(desk: Desk) -> None:
    (desk.tree / "f").write_text("old\nold too\n")
    assert desk.line("echo new >>f").status == 0
    assert desk.line("sed -i s/too/one/ f").status == 0
    assert desk.line("echo newer >>f").status == 0
    (desk.tree / "f").write_text("mine\n" + (desk.tree / "f").read_text())
    assert desk.line("echo last >>f").status == 0
    ran = desk.polis("blame", "--agent", "alice", "f", "--json")
    assert ran.status == 0, ran.err
    answer = json.loads(ran.out)
    lines = {id: known["line"] for id, known in answer["commands"].items()}
    assert [(lines.get(one["id"]), one["text"]) for one in answer["lines"]] == [
        (None, "mine"),
        (None, "old"),
        ("sed -i s/too/one/ f", "old one"),
        ("echo new >>f", "new"),
        (None, "newer"),  # whoever it was that wrote above it may have written this
        ("echo last >>f", "last"),
    ]
    assert desk.polis("blame", str(desk.tree / "f"), "--agent", "alice").status == 0
    for bad in ("../f", "none", ".", "/etc/passwd"):
        ran = desk.polis("blame", "--agent", "alice", bad)
        assert ran.status == 64, ran.err
        assert ran.err.startswith("polis: ")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--agent", "bob"), "there is no agent 'bob'"),
        (("--agent", "alice"), "alice has changed nothing that can be taken back"),
        (("--agent", "alice", "0123abcd"), "nothing is kept of a command 0123abcd of alice"),
        (("--agent", "alice", "../../x"), "nothing is kept of a command ../../x of alice"),
        (("--agent", "alice", "\udcff\n"), "nothing is kept of a command"),
        (("--agent", "alice", "--list", "abcd"), "--list stands alone"),
        ((), "is no agent's workspace"),
    ],
)
def test_bad_words(desk: Desk, words: tuple[str, ...], said: str) -> None:
    ran = desk.polis("undo", *map(os.fsencode, words))
    assert (ran.status, ran.out) == (64, "")
    assert ran.err.startswith("polis: ")
    assert said in ran.err
    assert "Traceback" not in ran.err


def test_what_is_too_large_to_be_kept_first_stays(desk: Desk) -> None:
    assert desk.line("echo 1 >small; truncate -s 20G large").status == 0
    found = _undo(desk, status=125)
    assert [one["path"] for one in found["files"]] == ["small"]
    assert "too large" in json.dumps(found["refused"])
    assert (desk.tree / "large").stat().st_size == 20 << 30
    kept = desk.folder_of("alice") / "saved"
    assert sum(one.stat().st_blocks for one in kept.rglob("*") if one.is_file()) * 512 < 10 << 20


def test_what_still_runs_is_not_taken_back(desk: Desk) -> None:
    with subprocess.Popen(
        ["polis", "exec", "alice", "--", "sh", "-c", "echo 1 >one; touch done; sleep 60"],
        cwd=desk.repository,
        env=desk.installation.environment,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as running:
        deadline = time.monotonic() + 30
        while not (desk.tree / "done").exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        ran = desk.polis("undo", "--agent", "alice")
        assert ran.status == 125
        assert "still runs\nhint: " in ran.err
        running.terminate()
    assert {one["path"] for one in _undo(desk)["files"]} == {"one", "done"}


def test_after_polis_was_killed(installation: Installation) -> None:
    """polisd, keeper and saver, in the middle of a command."""
    desk = make_desk(installation)
    with subprocess.Popen(
        ["polis", "exec", "alice", "--", "sh", "-c", "echo 1 >>README.md; touch done; sleep 60"],
        cwd=desk.repository,
        env=desk.installation.environment,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as running:
        deadline = time.monotonic() + 30
        while not (desk.tree / "done").exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        (polisd,) = desk.pids("-m cash.daemon")
        keeper = desk.keeper
        savers = desk.children(keeper)
        for pid in (polisd, keeper, *savers):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        running.wait()
    assert {one["path"] for one in _undo(desk)["files"]} == {"README.md", "done"}
    assert (desk.tree / "README.md").read_text() == "A small shop.\n"
