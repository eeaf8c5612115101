"""Lock files of an agent's own git directory are found where git makes them; no link leads out."""

from __future__ import annotations

from pathlib import Path

from cash.hub.own_locks import find_locks


def _make(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def test_locks_are_found_where_git_makes_them(tmp_path: Path) -> None:
    locks = (
        *("index.lock", "HEAD.lock", "config.lock", "packed-refs.lock", "refs/stash.lock"),
        *("refs/heads/a/b.lock", "logs/refs/heads/main.lock", "worktrees/w/index.lock"),
        *("objects/maintenance.lock", "objects/info/commit-graphs/commit-graph-chain.lock"),
    )
    _make(tmp_path, *locks, "index", "refs/heads/main", "objects/ab/c.lock", "hooks/x.lock")
    assert {*find_locks(tmp_path)} == {*locks}


def test_no_link_is_followed_and_nothing_need_be_there(tmp_path: Path) -> None:
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    _make(outside, "Cargo.lock", "info/yarn.lock")
    inside.mkdir()
    assert find_locks(inside) == find_locks(tmp_path / "nowhere") == ()
    (inside / "refs").symlink_to(outside)
    (inside / "objects").symlink_to(outside)
    (inside / "logs").mkdir()
    (inside / "logs/refs").symlink_to(outside)
    assert find_locks(inside) == ()
    (tmp_path / "link").symlink_to(outside)
    assert find_locks(tmp_path / "link") == ()


def test_a_flood_of_them_is_cut_off(tmp_path: Path) -> None:
    _make(tmp_path, *(f"refs/heads/{number}.lock" for number in range(300)))
    assert len(find_locks(tmp_path)) == 100


def test_the_look_is_bounded_as_a_whole(tmp_path: Path) -> None:
    """Many folders with few entries each are as much to look at as one with many."""
    for number in range(200):
        _make(tmp_path, *(f"refs/heads/{number}/{name}" for name in range(110)))
    _make(tmp_path, "index.lock", "worktrees/w/index.lock")
    assert find_locks(tmp_path) == ("index.lock",)
