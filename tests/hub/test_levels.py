"""What each git command needs of the hub: the lock table row by row, and what holds for all."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cash.hub.git_line import normal_key, read_options, split_line
from cash.hub.levels import EXCLUSIVE, NOTHING, Level, Need, rank, reading, remote, writing
from cash.hub.lock_table import need_of
from cash.hub.lock_table.table import _TABLE

_CONFIG = {
    "remote.origin.fetch": ("+refs/heads/*:refs/remotes/origin/*",),
    "remote.up.fetch": ("+refs/heads/*:refs/remotes/up/*",),
    "remote.copy.fetch": ("+refs/*:refs/*",),
    "remotes.both": ("origin up",),
    "alias.ci": ("commit -v",),
    "alias.save": ("!git stash",),
    "alias.amend": ("ci --amend",),
    "alias.round": ("round",),
    "alias.bad": ("commit 'x",),
    "alias.shadow": ("status",),
    "branch.topic.remote": ("up",),
}


@dataclass(frozen=True)
class Around:
    """On branch main, with branches main and topic and remotes origin, up and copy."""

    head: str = "refs/heads/main"
    config: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: _CONFIG)

    def branch(self) -> str:
        return self.head

    def values(self, key: str) -> tuple[str, ...]:
        return self.config.get(key, ())

    def remotes(self) -> frozenset[str]:
        return frozenset(("origin", "up", "copy"))

    def has_branch(self, name: str) -> bool:
        return name in ("main", "topic")

    def has_program(self, name: str) -> bool:
        return name == "shadow"


def _need(line: str, **how: object) -> str:
    return _said(need_of(shlex.split(line), Around(**how)))  # type: ignore[arg-type]


def _said(need: Need) -> str:
    """`read: worktrees`, `write config refs/heads/x: worktrees`; behind the colon what is shared
    beside the repository."""
    if need in (NOTHING, EXCLUSIVE):
        return need.level.word
    own = "".join(f" {name}" for name, alone in need.in_order() if alone)
    shared = "".join(f" {name}" for name, alone in need.in_order()[1:] if not alone)
    return f"{need.level.word.removeprefix('ref-')}{own}" + (f":{shared}" if shared else "")


_NONE = """
status; diff; log --oneline; show HEAD; rev-parse HEAD; rev-list --all; ls-files; ls-tree HEAD
cat-file -p HEAD; grep x; blame f; for-each-ref; merge-base a b; merge-tree a b; describe; shortlog
fsck; ls-remote; archive HEAD; format-patch -1; add .; rm f; mv a b; restore f; clean -fd
hash-object f; write-tree; commit-tree x; read-tree x; apply p; update-index -q; rerere
branch; branch -a; branch -vv; branch --list x; branch --show-current; branch --contains HEAD
tag; tag -l; tag --list x; tag -v v1; tag --contains HEAD
stash list; stash show; stash create; worktree list; worktree; worktree prune -n
remote; remote -v; remote show origin; remote get-url origin; remote prune -n origin
config user.name; config --get x.y; config --list; config -l; config --global a.b c; config get a.b
config -f other.ini a.b c; notes; notes list; notes show; reflog; reflog show main; reflog main
fetch --dry-run; push --dry-run; push -n origin main; commit --dry-run; bundle verify f
checkout -- f; checkout HEAD -- f; checkout -p; checkout .; checkout main f; reset -- f
bisect log; submodule; submodule status; sparse-checkout list; commit-graph verify; replace -l
symbolic-ref HEAD; init elsewhere; branch -h; branch --help; --version; --help; -C x status; help gc
rebase --show-current-patch; -c alias.x=gc status
"""
_ROWS = {
    # ref-read: keeps gc out
    "checkout main": "read: worktrees",
    "checkout -": "read: worktrees",
    "checkout HEAD~2": "read: worktrees",
    "checkout --detach": "read: worktrees",
    "checkout --orphan new": "read: worktrees",
    "checkout": "read: worktrees",
    "switch topic": "read: worktrees",
    "switch --detach v1": "read: worktrees",
    "switch --no-guess other": "read: worktrees",
    "-c checkout.guess=false switch other": "read: worktrees",
    "clone . /x": "read",
    "bundle create f main": "read",
    "stash apply": "read",
    "bisect run make": "read: worktrees",
    "symbolic-ref HEAD refs/heads/x": "read: worktrees",
    # ref-write: the branch one is on
    "commit -m x": "write refs/heads/main",
    "commit -m --dry-run": "write refs/heads/main",
    "commit --amend": "write refs/heads/main",
    "reset --hard HEAD~1": "write refs/heads/main",
    "merge topic": "write refs/heads/main",
    "am p": "write refs/heads/main",
    "rebase topic": "write packed refs/heads/main: worktrees",
    "rebase main topic": "write packed refs/heads/main refs/heads/topic: worktrees",
    "cherry-pick x": "write packed refs/heads/main",
    "revert x": "write packed refs/heads/main",
    "pull": "write remote:origin packed refs/heads/main: worktrees",
    "update-ref HEAD x": "write refs/heads/main",
    # ref-write: the ref that is named
    "branch x": "write refs/heads/x: worktrees",
    "branch x main": "write refs/heads/x: worktrees",
    "branch --no-track x origin/y": "write refs/heads/x: worktrees",
    "branch -f x main": "write refs/heads/x: worktrees",
    "checkout -b x": "write refs/heads/x: worktrees",
    "checkout -B x main": "write refs/heads/x: worktrees",
    "checkout -qbx main": "write refs/heads/x: worktrees",
    "switch -c x": "write refs/heads/x: worktrees",
    "switch --create=x": "write refs/heads/x: worktrees",
    "tag v1": "write refs/tags/v1",
    "tag -a v1 -m v2": "write refs/tags/v1",
    "update-ref refs/heads/x y": "write refs/heads/x: worktrees",
    "update-ref refs/x/y z": "write refs/x/y: worktrees",
    "update-ref ORIG_HEAD x": "read",
    "symbolic-ref refs/remotes/origin/HEAD refs/remotes/origin/x": (
        "write refs/remotes/origin/HEAD: worktrees"
    ),
    "notes add -m x": "write refs/notes/commits",
    "notes --ref=r add -m x": "write refs/notes/r",
    "replace a b": "write refs/replace",
    "remote set-head origin main": "write refs/remotes/origin/HEAD",
    # the stash
    "stash": "write refs/heads/main refs/stash",
    "stash -u": "write refs/heads/main refs/stash",
    "stash push -m x": "write refs/heads/main refs/stash",
    "stash pop": "write packed refs/stash",
    "stash drop": "write packed refs/stash",
    "stash clear": "write packed refs/stash",
    "stash branch x": "write packed refs/heads/x refs/stash: worktrees",
    # config
    "branch -u origin/x": "write config",
    "branch --set-up origin/x": "write config",
    "branch --unset-upstream": "write config",
    "branch --edit-description": "write config",
    "branch x origin/y": "write config refs/heads/x: worktrees",
    "branch --track x main": "write config refs/heads/x: worktrees",
    "branch x @{u}": "write config refs/heads/x: worktrees",
    "-c branch.autoSetupMerge=always branch x": "write config refs/heads/x: worktrees",
    "-c branch.autosetupmerge=false branch x origin/y": "write refs/heads/x: worktrees",
    "checkout -b x origin/y": "write config refs/heads/x: worktrees",
    "checkout -t origin/y": "write config refs/heads/y: worktrees",
    "checkout other": "write config refs/heads/other: worktrees",
    "switch --track origin/y": "write config refs/heads/y: worktrees",
    "switch -c x --track main": "write config refs/heads/x: worktrees",
    "switch other": "write config refs/heads/other: worktrees",
    "config a.b c": "write config",
    "config --unset a.b": "write config",
    "config set a.b c": "write config",
    "config --remove-section a": "write config",
    "config -f .git/config a.b c": "write config",
    "remote add x u": "write remote:x config",
    "remote set-url origin u": "write remote:origin config",
    "sparse-checkout set a": "write config",
    "submodule update --init": "write config",
    "init": "write config",
    # config and packed
    "branch -d x": "write config packed refs/heads/x: worktrees",
    "branch -D x y": "write config packed refs/heads/x refs/heads/y: worktrees",
    "branch -dr origin/x": "write config packed refs/remotes/origin/x: worktrees",
    "branch --delet x": "write config packed refs/heads/x: worktrees",
    "branch -m x y": "write config packed refs/heads/x refs/heads/y: worktrees",
    "branch -m y": "write config packed refs/heads/main refs/heads/y: worktrees",
    "branch -C x y": "write config packed refs/heads/x refs/heads/y: worktrees",
    # packed
    "tag -d v1 v2": "write packed refs/tags/v1 refs/tags/v2",
    "update-ref -d refs/heads/x": "write packed refs/heads/x: worktrees",
    "bisect start": "write packed: worktrees",
    # worktrees
    "worktree add --detach p": "write worktrees",
    "worktree add p": "write worktrees refs/heads/p",
    "worktree add a/p/": "write worktrees refs/heads/p",
    "worktree add p topic": "write worktrees",
    "worktree add p other": "write worktrees config refs/heads/other",
    "worktree add -b x p": "write worktrees refs/heads/x",
    "worktree add -b x p origin/y": "write worktrees config refs/heads/x",
    "worktree add --no-track -b x p origin/y": "write worktrees refs/heads/x",
    "worktree remove p": "write worktrees",
    "worktree move p q": "write worktrees",
    "worktree lock p": "write worktrees",
    "worktree repair": "write worktrees",
    # remotes
    "fetch": "write remote:origin: worktrees",
    "fetch up": "write remote:up: worktrees",
    "fetch both": "write remote:copy remote:origin remote:up: worktrees",
    "fetch https://host/x": "write: worktrees",
    "fetch origin a:b": "write remote:origin refs/heads/b: worktrees",
    "fetch origin +a:refs/x/b tag v1": ("write remote:origin refs/tags/v1 refs/x/b: worktrees"),
    "fetch --prune": "write remote:origin packed: worktrees",
    "fetch -p": "write remote:origin packed: worktrees",
    "-c fetch.prune=true fetch": "write remote:origin packed: worktrees",
    "fetch --set-upstream origin x": "write remote:origin config: worktrees",
    "push origin main": "write remote:origin",
    "push -u origin main": "write remote:origin config",
    "push origin :x": "write remote:origin packed",
    "push -d origin x": "write remote:origin packed",
    "push --mirror up": "write remote:up packed",
    "push https://host/x main": "write",
    "-c push.autoSetupRemote=true push": "write remote:origin config",
    "remote prune origin": "write remote:origin packed: worktrees",
    # what raises
    "merge --autostash topic": "write packed refs/heads/main refs/stash",
    "-c rebase.autostash=true rebase topic": ("write packed refs/heads/main refs/stash: worktrees"),
    "rebase --update-refs topic": "exclusive",
    "fetch --depth 1": "exclusive",
    "fetch --unshallow": "exclusive",
    "fetch copy": "exclusive",
    "fetch --all": "exclusive",
    "fetch origin 'refs/heads/*:refs/heads/*'": "exclusive",
    "pull --depth=1": "exclusive",
    "push . HEAD:x": "exclusive",
    # the whole
    "gc": "exclusive",
    "repack -ad": "exclusive",
    "prune": "exclusive",
    "pack-refs --all": "exclusive",
    "reflog expire --all": "exclusive",
    "maintenance run": "exclusive",
    "filter-branch x": "exclusive",
    "remote remove x": "exclusive",
    "remote rename x y": "exclusive",
    "remote update": "exclusive",
    "worktree prune": "exclusive",
    "update-ref --stdin": "exclusive",
    "submodule foreach x": "exclusive",
    # what is not known
    "frobnicate": "exclusive",
    "stash frobnicate": "exclusive",
    "worktree frobnicate": "exclusive",
    "--namespace=x commit": "exclusive",
    "--config-env=alias.x=Y commit": "exclusive",
    # aliases
    "ci -m x": "write refs/heads/main",
    "amend": "write refs/heads/main",
    "save": "exclusive",
    "round": "exclusive",
    "bad": "exclusive",
    "shadow": "exclusive",
    "-c alias.y=!x y": "exclusive",
    "-c alias.y=status y": "none",
    "-c alias.status=gc status": "none",
}
_LINES = {
    **{line.strip(): "none" for row in _NONE.strip().splitlines() for line in row.split(";")},
    **_ROWS,
}


@pytest.mark.parametrize(("line", "said"), _LINES.items(), ids=_LINES)
def test_the_lock_table(line: str, said: str) -> None:
    if line in ("fetch both", "fetch --all", "remote update"):
        with_mirror = _need(line)
        assert with_mirror == "exclusive"
        plain = {key: value for key, value in _CONFIG.items() if "copy" not in key}
        assert _need(line, config=plain) == ("write remote:copy remote:origin remote:up: worktrees")
        return
    assert _need(line) == said


def test_a_detached_head_is_nobody_elses() -> None:
    assert _need("commit", head="") == "write"
    assert _need("stash", head="") == "write refs/stash"
    assert _need("branch -m x", head="") == "write config packed refs/heads/x: worktrees"


def test_a_branch_says_which_remote_is_meant() -> None:
    assert _need("fetch", head="refs/heads/topic") == "write remote:up: worktrees"
    assert _need("push", head="refs/heads/topic") == "write remote:up"
    other = {**_CONFIG, "branch.topic.pushremote": ("origin",)}
    assert _need("push", head="refs/heads/topic", config=other) == "write remote:origin"


def test_more_refs_than_a_handful_are_the_whole() -> None:
    names = " ".join(f"b{number}" for number in range(30))
    assert _need(f"branch -D {names}") == "exclusive"


def test_the_table_knows_what_this_git_has() -> None:
    """Of git's own commands only plumbing of its own is not known: that takes everything."""
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    listed = subprocess.run(
        ["git", "--list-cmds=main,nohelpers"], capture_output=True, text=True, check=True
    ).stdout.split()
    porcelain = subprocess.run(
        [
            "git",
            "--list-cmds=list-mainporcelain,list-ancillarymanipulators,list-ancillaryinterrogators",
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    unknown = {name for name in porcelain if name in listed and name not in _TABLE}
    assert unknown <= {"gitk", "scalar", "subtree"}


_FOR_PEOPLE = (
    *("list-mainporcelain", "list-ancillarymanipulators", "list-ancillaryinterrogators"),
)
_shared = st.sampled_from(["config", "packed", "worktrees", "refs/x", remote("o")])
_words = st.one_of(
    st.sampled_from(sorted({word for line in _LINES for word in shlex.split(line)})),
    st.text(max_size=6),
)


@given(st.lists(_words, max_size=6))
def test_every_line_has_a_need(words: list[str]) -> None:
    need = need_of(words, Around())
    resources = [name for name, _ in need.in_order()]
    assert resources == sorted(resources, key=rank)
    assert not need.shared & need.exclusive
    match need.level:
        case Level.NONE:
            assert need == NOTHING
        case Level.REF_READ:
            assert "repo" in need.shared
            assert not need.exclusive
        case Level.REF_WRITE:
            assert "repo" in need.shared
        case Level.EXCLUSIVE:
            assert need == EXCLUSIVE


@given(st.text(min_size=1, max_size=12).filter(lambda word: not word.startswith("-")))
def test_what_is_not_known_takes_everything(operation: str) -> None:
    if operation not in _TABLE:
        assert need_of([operation, "x"], Around(config={})) == EXCLUSIVE


_raising = st.sampled_from(["--prune", "--depth=1", "--set-upstream", "--unshallow"])


@given(st.lists(_words, max_size=4), _raising)
def test_what_raises_never_lowers(words: list[str], flag: str) -> None:
    before = need_of(["fetch", *words], Around())
    after = need_of(["fetch", flag, *words], Around())
    assert before | after == after or after == NOTHING == before or flag in words


_needs = st.one_of(
    st.just(NOTHING),
    st.just(EXCLUSIVE),
    st.just(reading("worktrees")),
    st.lists(
        st.sampled_from(["config", "packed", "worktrees", "refs/x", remote("o")]), max_size=4
    ).map(lambda names: writing(*names, shared=["worktrees"])),
)


@given(_needs, _needs, _needs)
def test_needs_add_up(one: Need, other: Need, third: Need) -> None:
    assert one | other == other | one
    assert (one | other) | third == one | (other | third)
    assert one | one == one
    assert one | NOTHING == one


@pytest.mark.parametrize(
    ("line", "operation", "settings", "place"),
    [
        ("-C a -c x.Y=z status", "status", {"x.y": "z"}, ("-C", "a")),
        ("--git-dir=a --work-tree b log", "log", {}, ("--git-dir=a", "--work-tree", "b")),
        ("-c Remote.Ab.URL=u fetch", "fetch", {"remote.Ab.url": "u"}, ()),
        ("-c a.b push", "push", {"a.b": "true"}, ()),
        ("-p --no-optional-locks log", "log", {}, ()),
        ("-C", "", {}, ("-C", "")),
        ("", "", {}, ()),
    ],
)
def test_a_line_is_taken_apart(
    line: str, operation: str, settings: dict[str, str], place: tuple[str, ...]
) -> None:
    found = split_line(shlex.split(line))
    assert (found.operation, found.settings, found.place) == (operation, settings, place)


def test_options_are_read_as_git_reads_them() -> None:
    found = read_options(["-fqb", "x", "--message=m", "--file", "f", "w", "--", "p"], "-b --file")
    flags = (("-f", None), ("-q", None), ("-b", "x"), ("--message", "m"), ("--file", "f"))
    assert (found.flags, found.words, found.paths) == (flags, ("w",), ("p",))
    assert found.value("-b") == "x"
    assert read_options(["-bx"], "-b").value("-b") == "x"
    assert read_options(["--end-of-options", "-x"]).words == ("-x",)
    assert normal_key("Branch.Main.Remote") == "branch.Main.remote"


def test_the_order_is_fixed() -> None:
    names = ["repo", "worktrees", "remote:a", "remote:b", "config", "packed", "refs/a", "refs/b"]
    mixed = {*names}
    assert sorted(mixed, key=rank) == names
    with pytest.raises(ValueError):
        rank("other")
