"""What is merged is what git merges, and what is refused leaves everything as it was."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from ground import Ground
from homecoming import picture
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cash.faults import Fault, UsageFault
from cash.hub.adoption import open_hub
from cash.hub.changes import find_base
from cash.hub.merging import Plan, Wish, carry_out, needs_of, plan_merge
from cash.hub.mutex import hold_hub
from cash.hub.targets import find_target

_LINES = 6
_FILES = ("a", "b", "d/c")


@dataclass(frozen=True)
class Edit:
    """One change to the tree. what: write, remove, move, mode or link."""

    what: str
    path: str
    other: str
    line: int
    text: str


_edits = st.lists(
    st.builds(
        Edit,
        what=st.sampled_from(("write", "write", "write", "remove", "move", "mode", "link")),
        path=st.sampled_from((*_FILES, "d", "new")),
        other=st.sampled_from(("moved", "d/moved", "e/moved", "new")),
        line=st.integers(0, _LINES - 1),
        text=st.sampled_from(("x\n", "y\n", "")),
    ),
    max_size=3,
)


def _apply(root: Path, edits: Sequence[Edit]) -> None:
    for edit in edits:
        path, other = root / edit.path, root / edit.other
        above = {*path.relative_to(root).parents, *other.relative_to(root).parents}
        if any(os.path.lexists(root / one) and not _is_folder(root / one) for one in above):
            continue
        match edit.what:
            case "write" if not path.is_dir() or path.is_symlink():
                path.parent.mkdir(parents=True, exist_ok=True)
                is_text = path.is_file() and not path.is_symlink()
                lines = path.read_text().splitlines(True) if is_text else []
                path.unlink(missing_ok=True)
                lines[edit.line : edit.line + 1] = [edit.text]
                path.write_text("".join(lines))
            case "remove" | "link":
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink(
                    missing_ok=True
                )
                if edit.what == "link":
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.symlink_to(edit.text.strip() or "nowhere")
            case "move" if os.path.lexists(path) and not os.path.lexists(other):
                if not other.is_relative_to(path):
                    other.parent.mkdir(parents=True, exist_ok=True)
                    path.rename(other)
            case "mode" if path.is_file() and not path.is_symlink():
                path.chmod(path.stat().st_mode ^ 0o111)
            case _:
                pass


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _git(root: Path, *words: str, fine: tuple[int, ...] = (0,)) -> str:
    ran = subprocess.run(
        ["git", *words], cwd=root, capture_output=True, check=False, stdin=subprocess.DEVNULL
    )
    assert ran.returncode in fine, f"{words}: {ran.stderr.decode()}"
    return f"{ran.returncode} {ran.stdout.decode().strip()}"


def _branch(root: Path, name: str, edits: Sequence[Edit]) -> None:
    _git(root, "switch", "-q", "-C", name, "base")
    _apply(root, edits)
    _git(root, "add", "-A")
    _git(root, "commit", "-q", "--allow-empty", "-m", f"Edits of {name}")


def _plan(ground: Ground, **how: object) -> Plan:
    repository = ground.repository
    target = find_target(repository, ground.hub / "agents", ground.root, None)
    head = ground.git("rev-parse", "agent/alice")
    return plan_merge(repository, target, Wish("alice", "agent/alice", head, **how))  # type: ignore[arg-type]


def _carry_out(ground: Ground, plan: Plan) -> str:
    open_hub(ground.repository, ground.places)
    with hold_hub(ground.repository, needs_of(plan), "merge") as held:
        return carry_out(held, plan, plan.wish.head).after


def _plainly(ground: Ground, folder: Path, *words: str) -> tuple[bool, str]:
    """What `git merge` makes of it in a clone: whether it conflicts, and the tree."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ground.root, folder, symlinks=True)
    merged = _git(folder, "merge", "--no-edit", *words, "agent/alice", fine=(0, 1))
    return merged.startswith("1"), _git(folder, "rev-parse", "HEAD^{tree}")


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(mine=_edits, theirs=_edits, dirty=_edits)
def test_it_is_what_git_merges(
    ground: Ground, mine: list[Edit], theirs: list[Edit], dirty: list[Edit]
) -> None:
    root = ground.root
    if "base" not in ground.git("tag"):
        for path in _FILES:
            (root / path).parent.mkdir(exist_ok=True)
            (root / path).write_text("".join(f"{path} {line}\n" for line in range(_LINES)))
        ground.git("add", "-A")
        ground.git("commit", "-q", "-m", "Files")
        ground.git("tag", "base")
    _branch(root, "agent/alice", theirs)
    _branch(root, "work", mine)
    conflicts, tree = _plainly(ground, ground.folder / "plain")
    plan = _plan(ground)
    assert bool(plan.conflicts) == conflicts
    if not conflicts:
        assert plan.result == tree.split()[1]
    # And with uncommitted changes: either it is refused, or nothing of them is lost.
    _apply(root, dirty)
    try:
        _check_with_changes(ground, tree)
    finally:
        ground.git("reset", "-q", "--hard")
        ground.git("clean", "-fdq")


def _check_with_changes(ground: Ground, tree: str) -> None:
    root = ground.root
    before = picture(root)
    plan = _plan(ground)
    assert picture(root) == before
    if plan.conflicts or plan.collisions or plan.way == "nothing":
        assert not plan.collisions or _uncommitted(root)
        return
    left, head = _uncommitted(root), _git(root, "rev-parse", "HEAD")
    try:
        _carry_out(ground, plan)
    except Fault:  # git itself would not (a tracked folder that is a symlink now): nothing moved
        after = picture(root)
        changed = {path for path in {*before, *after} if before.get(path) != after.get(path)}
        assert changed <= {".git/index", ".git/ORIG_HEAD"}
        assert _git(root, "rev-parse", "HEAD") == head
    else:
        assert _git(root, "rev-parse", "HEAD^{tree}") == tree
    assert _uncommitted(root) == left
    assert not (root / ".git/MERGE_HEAD").exists()


def _uncommitted(root: Path) -> Mapping[str, object]:
    """What is not committed: path → content."""
    listed = _git(root, "status", "--porcelain", "-z", "--no-renames", "-uall")[2:]
    paths = [entry.strip()[2:].strip() for entry in listed.split("\0") if entry]
    return {
        path: os.readlink(root / path)
        if (root / path).is_symlink()
        else (root / path).read_bytes()
        if (root / path).is_file()
        else None
        for path in paths
    }


@pytest.fixture
def forked(ground: Ground) -> Ground:
    """main and agent/alice have a commit each."""
    ground.git("switch", "-q", "-c", "agent/alice")
    (ground.root / "hers").write_text("hers\n")
    ground.git("add", ".")
    ground.git("commit", "-q", "-m", "Hers")
    ground.git("switch", "-q", "main")
    (ground.root / "mine").write_text("mine\n")
    ground.git("add", ".")
    ground.git("commit", "-q", "-m", "Mine")
    return ground


def test_another_tag_of_the_branchs_name_is_not_merged(forked: Ground) -> None:
    forked.git("tag", "agent/alice", "main~1")
    head = forked.git("rev-parse", "refs/heads/agent/alice")
    repository = forked.repository
    target = find_target(repository, forked.hub / "agents", forked.root, None)
    _carry_out(forked, plan_merge(repository, target, Wish("alice", "agent/alice", head)))
    assert forked.git("log", "-1", "--format=%s %P") == (
        f"Merge the work of alice {target.tip} {head}"
    )


def test_settings_of_the_users_count(forked: Ground) -> None:
    forked.git("config", "merge.ff", "only")
    with pytest.raises(UsageFault, match=r"merge\.ff is only"):
        _plan(forked)
    forked.git("config", "merge.ff", "false")
    forked.git("reset", "-q", "--hard", "main~1")
    assert _plan(forked).way == "merge"


def test_attributes_of_the_users_tree_count(forked: Ground) -> None:
    """merge=union in .gitattributes: git merge has no conflict then, and so it is foreseen."""
    for branch in ("agent/alice", "main"):
        forked.git("switch", "-q", branch)
        (forked.root / "README").write_text(f"{branch}\n")
        (forked.root / ".gitattributes").write_text("README merge=union\n")
        forked.git("add", ".")
        forked.git("commit", "-q", "-m", "Union")
    plan = _plan(forked)
    assert plan.conflicts == ()
    _carry_out(forked, plan)
    assert (forked.root / "README").read_text() == "main\nagent/alice\n"


def test_without_common_history(forked: Ground) -> None:
    forked.git("switch", "-q", "--orphan", "other")
    forked.git("commit", "-q", "--allow-empty", "-m", "Other")
    with pytest.raises(Fault, match="unrelated histories"):
        _plan(forked)


def test_a_branch_that_moved_meanwhile_stays_where_it_is(forked: Ground) -> None:
    repository = forked.repository
    forked.git("branch", "next", "main")
    target = find_target(repository, forked.hub / "agents", forked.root, "next")
    head = forked.git("rev-parse", "agent/alice")
    plan = plan_merge(repository, target, Wish("alice", "agent/alice", head))
    forked.git("branch", "-f", "next", "main~1")
    with pytest.raises(Fault, match="cannot lock ref"):
        _carry_out(forked, plan)
    assert forked.git("rev-parse", "next") == forked.git("rev-parse", "main~1")


def test_a_branch_that_is_rebased_is_left_alone(forked: Ground) -> None:
    (forked.root / ".git/rebase-merge").mkdir()
    (forked.root / ".git/rebase-merge/head-name").write_text("refs/heads/next\n")
    forked.git("branch", "next")
    with pytest.raises(UsageFault, match="branch next is being rebased"):
        find_target(forked.repository, forked.hub / "agents", forked.root, "next")


def test_where_the_agents_own_work_begins(forked: Ground) -> None:
    repository = forked.repository
    base, mine = forked.git("rev-parse", "main~1"), forked.git("rev-parse", "main")
    head = forked.git("rev-parse", "agent/alice")
    assert find_base(repository, base, mine, head) == base
    assert find_base(repository, head, mine, head) == head  # made later than it left main
    assert find_base(repository, base, head, head) == head  # the user has it all
    forked.git("merge", "-q", "--no-edit", "agent/alice")
    forked.git("branch", "-f", "agent/alice", "main")
    merged = forked.git("rev-parse", "main")
    assert find_base(repository, base, mine, merged) == mine  # she took mine in
