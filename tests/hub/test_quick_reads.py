"""What libgit2 reads in process is what git answers; where it would not be, it stands aside."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from ground import Ground

from cash.hub.quick_reads import (
    contains_quickly,
    count_quickly,
    read_blob_quickly,
    read_refs_quickly,
)
from cash.hub.refs import Ref, list_refs

pytest.importorskip("pygit2")
_PATTERNS: list[tuple[str, ...]] = [
    (),
    ("refs/heads/",),
    ("refs/heads/main",),
    ("refs/heads/agent",),
    ("refs/heads/age",),
    ("refs/tags/", "refs/remotes/"),
    ("refs/none/",),
]


@pytest.fixture
def rich(ground: Ground) -> Ground:
    """Branches that come and go apart, tags of tags, symbolic refs, names that are no words."""
    chance = random.Random(7)
    for number in range(12):
        where = chance.choice(ground.git("for-each-ref", "--format=%(refname)").split())
        ground.git("switch", "-q", "-C", f"agent/b{number}", where)
        ground.git("commit", "-q", "--allow-empty", "-m", f"{number}")
    ground.git("merge", "-q", "--no-edit", "-s", "ours", "agent/b3", "agent/b5")
    ground.git("switch", "-q", "main")
    ground.git("tag", "-a", "v1", "-m", "x")
    ground.git("tag", "-a", "v2", "-m", "x", "v1")
    ground.git("tag", "light")
    ground.git("tag", "blob", "HEAD:README")
    ground.git("update-ref", "refs/remotes/origin/main", "main")
    ground.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main")
    ground.run("git", "branch", "bä-\udcff", cwd=ground.root)
    return ground


def _by_git(ground: Ground, patterns: tuple[str, ...]) -> list[Ref]:
    layout = "%(refname)%00%(objectname)%00%(*objectname)%00%(symref)"
    out = ground.git("for-each-ref", f"--format={layout}", *patterns)
    return [Ref(*line.split("\0")) for line in out.splitlines()]


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("patterns", _PATTERNS, ids=" ".join)
def test_refs_are_those_git_lists(rich: Ground, patterns: tuple[str, ...], packed: bool) -> None:
    if packed:
        rich.git("pack-refs", "--all")
    assert read_refs_quickly(rich.repository, patterns) is not None
    assert list(list_refs(rich.repository, *patterns)) == _by_git(rich, patterns)


def test_counts_and_descent_are_gits(rich: Ground) -> None:
    names = rich.git("for-each-ref", "--format=%(refname)", "refs/heads/agent/").split()
    for one in names:
        for other in names[::3]:
            said = rich.git("rev-list", "--left-right", "--count", f"{one}...{other}").split()
            assert count_quickly(rich.repository, one, other) == tuple(map(int, said))
            ids = [rich.git("rev-parse", name) for name in (one, other)]
            base = rich.git("merge-base", "--octopus", *ids)
            assert contains_quickly(rich.repository, *ids) is (base == ids[1])


def test_a_blob_is_as_it_is_stored(rich: Ground) -> None:
    tree = rich.git("rev-parse", "HEAD^{tree}")
    assert read_blob_quickly(rich.repository, tree, "README") == b"read me\n"
    assert read_blob_quickly(rich.repository, "HEAD", "README") in (None, b"read me\n")
    assert read_blob_quickly(rich.repository, tree, "folder0") is None
    assert read_blob_quickly(rich.repository, tree, "none") is None


def _config(*words: str) -> Callable[[Ground], object]:
    return lambda ground: ground.git("config", *words)


def _extend(ground: Ground) -> None:
    ground.git("config", "extensions.unheardOf", "true")
    ground.git("config", "core.repositoryFormatVersion", "1")


def _replace(ground: Ground) -> None:
    ground.git("replace", "HEAD", "HEAD~1")


def _replace_packed(ground: Ground) -> None:
    _replace(ground)
    ground.git("pack-refs", "--all")


def _break(ground: Ground) -> None:
    (ground.root / ".git/refs/heads/broken").write_text("1" * 40 + "\n")


_STRANGE: dict[str, Callable[[Ground], object]] = {
    "sparse": _config("core.sparseCheckout", "true"),
    "split index": _config("core.splitIndex", "true"),
    "partial clone": _config("remote.origin.promisor", "true"),
    "partial clone as it was": _config("extensions.partialClone", "origin"),
    "reftable": _config("extensions.refStorage", "reftable"),
    "an extension nobody knows": _extend,
    "replaced commits": _replace,
    "replaced commits, packed": _replace_packed,
    "a ref to nothing": _break,
}


@pytest.mark.parametrize("make", _STRANGE.values(), ids=_STRANGE)
def test_where_it_would_differ_it_stands_aside(
    rich: Ground, make: Callable[[Ground], object]
) -> None:
    repository = rich.repository
    head = rich.git("rev-parse", "HEAD")
    if make is not _break:
        assert contains_quickly(repository, head, head) is True
    make(rich)
    assert read_refs_quickly(repository, ("refs/heads/",)) is None
    if make is not _break:
        assert contains_quickly(repository, head, head) is None
        assert count_quickly(repository, "refs/heads/main", head) is None
        assert read_blob_quickly(repository, head, "README") is None


def test_without_pygit2_git_is_asked(rich: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    with_it = list_refs(rich.repository)
    monkeypatch.delitem(sys.modules, "pygit2")
    assert read_refs_quickly(rich.repository, ()) is None
    assert list_refs(rich.repository) == with_it


def test_what_is_not_there_is_left_to_git(rich: Ground) -> None:
    assert count_quickly(rich.repository, "refs/heads/none", "0" * 40) is None
    assert contains_quickly(rich.repository, "1" * 40, "2" * 40) is None


def test_nothing_stays_open(rich: Ground) -> None:
    for _ in range(3):
        read_refs_quickly(rich.repository, ())
    before = len([*Path("/proc/self/fd").iterdir()])
    for _ in range(20):
        read_refs_quickly(rich.repository, ())
    assert len([*Path("/proc/self/fd").iterdir()]) <= before + 2


def test_it_is_not_asked_while_it_is_being_loaded(ground: Ground) -> None:
    # As polisd does: a thread imports it, and commands come meanwhile.
    read = (
        "import sys, threading, pathlib\n"
        "from cash.hub.quick_reads import load_libgit2, read_refs_quickly\n"
        "from cash.hub.repository import find_repository\n"
        "repository = find_repository(pathlib.Path(sys.argv[1]))\n"
        "loading = threading.Thread(target=load_libgit2)\n"
        "loading.start()\n"
        "while loading.is_alive():\n"
        "    read_refs_quickly(repository, ())\n"
        "assert read_refs_quickly(repository, ()) is not None\n"
    )
    for _ in range(3):
        argv = [sys.executable, "-I", "-c", read, str(ground.repository.root)]
        ran = subprocess.run(argv, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr
