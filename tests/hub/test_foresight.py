"""Conflicts between agents' work are foreseen, and the order with the fewest of them found."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import shutil
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from ground import Ground
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cash.hub.foresight import Foresight, Meeting, Work, foresee, may_meet, merge_pairs
from cash.hub.order import order_merges
from cash.hub.quick_reads import load_libgit2, read_touched_quickly
from cash.hub.targets import Target

_NAMES = "abcdefg"


def _conflicts(order: Sequence[str], weights: Mapping[tuple[str, ...], int]) -> set[str]:
    """By trying: who conflicts with what was merged before."""
    found, merged = set(), set[str]()
    for name in order:
        for agents in weights:
            if name in agents and set(agents) - {name} <= merged:
                found.add(name)
        merged.add(name)
    return found


_pairs = st.lists(st.sampled_from(list(itertools.combinations(_NAMES, 2))), max_size=12)
_alone = st.lists(st.sampled_from([(name,) for name in _NAMES]), max_size=3)


@given(_pairs, _alone, st.integers(1, 9))
def test_no_order_has_fewer_conflicts(
    pairs: list[tuple[str, ...]], alone: list[tuple[str, ...]], files: int
) -> None:
    weights = dict.fromkeys((*pairs, *alone), files)
    order, conflicting = order_merges(_NAMES, weights)
    assert sorted(order) == sorted(_NAMES)
    assert _conflicts(order, weights) == set(conflicting)
    few = min(len(_conflicts(one, weights)) for one in itertools.islice(_orders(weights), 5040))
    assert len(conflicting) == few


def _orders(weights: Mapping[tuple[str, ...], int]) -> itertools.permutations[str]:
    """Who conflicts with nobody may come anywhere."""
    return itertools.permutations(sorted({name for agents in weights for name in agents}))


def test_many_that_all_conflict_are_ordered_too() -> None:
    names = [f"n{number}" for number in range(60)]
    weights = dict.fromkeys(itertools.combinations(names, 2), 1)
    order, conflicting = order_merges(names, weights)
    assert (len(order), len(conflicting)) == (60, 59)


@pytest.fixture(params=["libgit2", "git", "sieved"])
def ground_read(
    request: pytest.FixtureRequest, ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> Ground:
    if request.param == "git":
        monkeypatch.setattr("cash.hub.quick_reads._is_loaded", lambda: False)
    elif not load_libgit2():
        pytest.skip("pygit2 is not installed")
    if request.param == "sieved":
        monkeypatch.setattr("cash.hub.foresight._MOST_TRIED", 0)
    return ground


def _branch(ground: Ground, name: str, changes: Mapping[str, str | None]) -> Work:
    ground.git("switch", "-q", "-c", name, "main")
    for path, content in changes.items():
        place = ground.root / path
        if content is None:
            ground.git("rm", "-q", "-r", path)
        else:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(content)
    ground.git("add", "-A")
    ground.git("commit", "-q", "--allow-empty", "-m", name)
    commit = ground.git("rev-parse", "HEAD")
    ground.git("switch", "-q", "main")
    return Work(name, commit)


def _target(ground: Ground) -> Target:
    return Target("main", ground.git("rev-parse", "main"), ground.root)


def test_what_conflicts_is_named_with_how(ground_read: Ground) -> None:
    ground = ground_read
    works = [
        _branch(ground, "alice", {"README": "alice\n", "own": "x\n"}),
        _branch(ground, "bob", {"README": "bob\n"}),
        _branch(ground, "carol", {"README": None}),
        _branch(ground, "dave", {"other": "x\n"}),
        _branch(ground, "eve", {}),
    ]
    found = foresee(ground.repository, _target(ground), works)
    assert found.meetings == (
        Meeting(("alice", "bob"), (("README", "contents"),)),
        Meeting(("alice", "carol"), (("README", "modify/delete"),)),
        Meeting(("bob", "carol"), (("README", "modify/delete"),)),
    )
    assert found.conflicting == found.order[-2:]
    assert "dave" in found.order[:2]
    assert found.paths_of("carol") == {"README"}
    assert found.paths_of("dave") == frozenset()


def test_a_pair_that_git_dies_of_is_told_and_the_others_are_looked_at(ground: Ground) -> None:
    works = [_branch(ground, name, {"README": f"{name}\n"}) for name in ("alice", "bob")]
    broken = Work("mallory", _deep_commit(ground))
    (ground.root / "README").write_text("main\n")
    ground.git("commit", "-qam", "main")
    found = foresee(ground.repository, _target(ground), [*works, broken])
    told = {meeting.agents: meeting.files for meeting in found.meetings}
    assert told["alice", "bob"] == (("README", "contents"),)
    assert told[("mallory",)] == (("", "cannot be merged"),)


def _deep_commit(ground: Ground) -> str:
    """Trees in each other, more than git can descend."""
    name = ""
    for _ in range(9000):
        inner = bytes.fromhex(name or ground.git("hash-object", "-w", "README"))
        rest = (b"40000 d\0" if name else b"100644 x\0") + inner
        content = b"tree %d\0" % len(rest) + rest
        name = hashlib.sha1(content).hexdigest()
        place = ground.root / ".git/objects" / name[:2] / name[2:]
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(zlib.compress(content, 1))
    return ground.git("commit-tree", "-p", "main", "-m", "deep", name)


def test_a_look_leaves_nothing_in_the_repository(ground: Ground) -> None:
    works = [_branch(ground, name, {"README": f"{name}\n"}) for name in ("alice", "bob")]
    objects = ground.root / ".git/objects"
    before = sorted(objects.rglob("*"))
    assert len(foresee(ground.repository, _target(ground), works).meetings) == 1
    assert sorted(objects.rglob("*")) == before


def test_no_program_of_the_users_runs_on_what_agents_wrote(ground: Ground) -> None:
    ran = ground.folder / "ran"
    ground.git("config", "merge.Own.driver", f"touch {ran}; false")
    ground.git("config", "merge.renormalize", "true")
    ground.git("config", "filter.own.clean", f"touch {ran}; cat")
    (ground.root / ".gitattributes").write_text("README merge=Own filter=own\n")
    ground.git("add", ".gitattributes")
    ground.git("commit", "-qm", "attributes")
    works = [_branch(ground, name, {"README": f"{name}\n"}) for name in ("alice", "bob")]
    ran.unlink(missing_ok=True)
    found = foresee(ground.repository, _target(ground), works)
    assert [meeting.agents for meeting in found.meetings] == [("alice", "bob")]
    assert not ran.exists()
    plain = replace(ground.repository.git, work_tree=ground.root)
    plain.try_run("merge-tree", "--write-tree", "alice", "bob", cwd=ground.root)
    assert ran.exists()  # as git would by itself


def test_what_conflicts_with_the_users_branch_comes_last(ground_read: Ground) -> None:
    ground = ground_read
    works = [
        _branch(ground, "alice", {"README": "alice\n"}),
        _branch(ground, "bob", {"README": "bob\n", "other": "bob\n"}),
        _branch(ground, "carol", {"other": "carol\n"}),
    ]
    (ground.root / "README").write_text("main\n")
    ground.git("commit", "-qam", "main")
    found = foresee(ground.repository, _target(ground), works)
    assert [meeting.agents for meeting in found.meetings] == [
        *(("alice",), ("bob",), ("alice", "bob"), ("bob", "carol")),
    ]
    assert found.order[0] == "carol"
    assert set(found.conflicting) == {"alice", "bob"}


def test_a_folder_that_one_renames_and_another_adds_to(ground_read: Ground) -> None:
    ground = ground_read
    for number in range(3):
        (ground.root / f"old{number}").mkdir()
        for name in "ab":
            (ground.root / f"old{number}" / name).write_text(f"{number} {name}\n" * 9)
    ground.git("add", "-A")
    ground.git("commit", "-qm", "folders")
    ground.git("switch", "-q", "-c", "alice")
    ground.git("mv", "old1", "new1")
    ground.git("commit", "-qm", "renamed")
    renamed = Work("alice", ground.git("rev-parse", "HEAD"))
    ground.git("switch", "-q", "main")
    added = _branch(ground, "bob", {"old1/c": "c\n"})
    found = foresee(ground.repository, _target(ground), [renamed, added])
    assert found.meetings == (
        Meeting(("alice", "bob"), (("new1/c", "directory rename suggested"),)),
    )


def test_two_without_common_history_conflict_as_wholes(ground_read: Ground) -> None:
    ground = ground_read
    ground.git("switch", "-q", "--orphan", "alone")
    ground.git("commit", "-q", "--allow-empty", "-m", "alone")
    alone = Work("alone", ground.git("rev-parse", "HEAD"))
    ground.git("switch", "-q", "main")
    works = [alone, _branch(ground, "bob", {"x": "x\n"}), _branch(ground, "carol", {"x": "y\n"})]
    found = foresee(ground.repository, _target(ground), works)
    assert [meeting.agents for meeting in found.meetings] == [
        *(("alone",), ("alone", "bob"), ("alone", "carol"), ("bob", "carol")),
    ]
    assert found.meetings[0].files == (("", "unrelated"),)


def test_a_change_that_was_taken_back_is_looked_at(ground_read: Ground) -> None:
    """The branch it began from has it: against that, the file was changed."""
    ground = ground_read
    _branch(ground, "alice", {"README": "changed\n"})
    ground.git("switch", "-q", "-c", "bob", "alice")
    ground.git("revert", "--no-edit", "HEAD")
    back = Work("bob", ground.git("rev-parse", "HEAD"))
    ground.git("switch", "-q", "alice")
    (ground.root / "README").write_text("changed again\n")
    ground.git("commit", "-qam", "again")
    again = Work("alice", ground.git("rev-parse", "HEAD"))
    ground.git("switch", "-q", "main")
    target = _target(ground)
    found: Foresight = foresee(ground.repository, target, [again, back])
    assert [meeting.agents for meeting in found.meetings] == [("alice", "bob")]


_changes = st.lists(
    st.tuples(
        st.sampled_from(("write", "write", "remove", "move")),
        st.sampled_from(("d/a", "d/b", "e/a", "top", "d", "e")),
        st.sampled_from(("d/a", "d/c", "e/c", "f", "top")),
    ),
    max_size=3,
)


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(_changes, _changes)
def test_what_is_sieved_out_does_not_conflict(
    ground: Ground, one: list[tuple[str, str, str]], other: list[tuple[str, str, str]]
) -> None:
    if not load_libgit2():
        pytest.skip("pygit2 is not installed")
    if not (ground.root / "d").exists():
        for path in ("d/a", "d/b", "e/a", "top"):
            (ground.root / path).parent.mkdir(exist_ok=True)
            (ground.root / path).write_text(f"{path}\n" * 9)
        ground.git("add", "-A")
        ground.git("commit", "-qm", "all")
    works = [_play(ground, name, changes) for name, changes in (("one", one), ("other", other))]
    target = _target(ground)
    touched = [
        read_touched_quickly(ground.repository, work.commit, target.tip, 9) for work in works
    ]
    if not may_meet(*touched):
        pair = (works[0].commit, works[1].commit)
        assert merge_pairs(ground.repository, target, [pair]) == [()]


def _play(ground: Ground, name: str, changes: list[tuple[str, str, str]]) -> Work:
    ground.git("switch", "-q", "-C", name, "main")
    for what, path, to in changes:
        place = ground.root / path
        if what == "write" and not place.is_dir():
            place.parent.mkdir(exist_ok=True) if not place.parent.is_file() else None
            if place.parent.is_dir():
                place.write_text(f"{name}\n")
        elif what == "remove" and place.exists():
            shutil.rmtree(place) if place.is_dir() else place.unlink()
        elif what == "move" and place.exists() and not f"{to}/".startswith(f"{path}/"):
            with contextlib.suppress(OSError):  # something is there, or its folder is not
                place.rename(ground.root / to)
    ground.git("add", "-A")
    ground.git("commit", "-q", "--allow-empty", "-m", name)
    commit = ground.git("rev-parse", "HEAD")
    ground.git("switch", "-q", "main")
    return Work(name, commit)
