"""The user's remotes as an agent's git is told of them, and what may be asked of them."""

from __future__ import annotations

import subprocess

import pytest
from ground import Ground
from hypothesis import given, settings
from hypothesis import strategies as st

from cash.faults import UsageFault
from cash.hub.listing import describe_hub, describe_remote
from cash.hub.remotes import (
    Move,
    Remote,
    check_ref,
    configure_remotes,
    find_remote,
    list_remotes,
    read_move,
    results_of,
)

_PARTS = st.sampled_from(
    [*"ab/.~^:?*[\\ -@{", "..", "@{", ".lock", "refs/", "heads/", "\n", "\x7f", "é", "--x", "//"]
)


@settings(max_examples=60, deadline=None)
@given(st.lists(_PARTS, max_size=8).map(lambda parts: "refs/" + "".join(parts)))
def test_a_ref_that_is_taken_is_one_to_git(name: str) -> None:
    try:
        check_ref(name)
    except UsageFault:
        return
    subprocess.run(["git", "check-ref-format", name], check=True)


@pytest.mark.parametrize(
    "name",
    [
        "refs/heads/main",
        "refs/tags/v1.0",
        "refs/heads/agent/alice",
        "refs/heads/ä-b_c",
        "refs/pull/1/head",
    ],
)
def test_usual_refs_are_taken(name: str) -> None:
    assert check_ref(name) == name


@pytest.mark.parametrize(
    "name",
    [
        *("", "HEAD", "main", "-x", "refs/", "refs", "refs/heads/", "refs/heads/a b"),
        *("refs/heads/.a", "refs/heads/a..b", "refs/heads/a.lock", "refs/heads/a.lock/b"),
        *("refs/heads/a.", "refs//a", "refs/heads/@{1}", "refs/heads/a\nb", "refs/heads/a:b"),
        *("refs/heads/\ue002", "refs/" + "a" * 2000),
    ],
)
def test_no_other_is(name: str) -> None:
    with pytest.raises(UsageFault, match="is no name of a ref"):
        check_ref(name)


def test_what_an_agents_git_is_told(ground: Ground) -> None:
    ground.git("remote", "add", "origin", "https://ada:hunter2@example.org/it.git")
    ground.git("remote", "add", "mine", "ssh://git@example.org/it.git")
    ground.git("remote", "add", "near", str(ground.folder / 'a "far" \\ place'))
    ground.git("config", "remote.a=b.url", "https://example.org/odd")
    ground.git("config", "remote.--x.url", "https://example.org/odd")
    ground.git("config", "remote.mine.uploadpack", "evil")
    remotes = list_remotes(ground.repository)
    assert [one.name for one in remotes] == ["origin", "mine", "near"]
    assert "hunter2" not in repr(remotes)
    file = ground.folder / "remotes"
    file.write_text(configure_remotes(remotes))
    listed = ground.git("config", "--file", str(file), "--list").splitlines()
    assert "remote.origin.url=https://example.org/it.git" in listed
    assert "remote.origin.vcs=polis" in listed
    assert f'remote.near.url={ground.folder}/a "far" \\ place' in listed
    assert "remote.https://example.org/it.git.vcs=polis" in listed
    assert not [line for line in listed if "hunter2" in line or "evil" in line or "odd" in line]
    every = {line.split("=")[0].rpartition(".")[2] for line in listed}
    assert every == {"url", "fetch", "vcs", "skipfetchall", "skipdefaultupdate"}


@pytest.mark.parametrize(
    ("name", "address", "found"),
    [
        ("origin", "https://h.example/x", "origin"),
        ("origin", "origin", "origin"),
        ("origin", "", "origin"),
        ("origin", "anything", None),
        ("origin", "/srv/b.git", "b"),
        ("https://h.example/x", "https://h.example/x", "origin"),
        ("https://u:p@h.example/x", "https://u:p@h.example/x", "origin"),
        ("https://h.example/xy", "https://h.example/xy", None),
        ("https://v:q@h.example/x", "https://v:q@h.example/x", None),
        ("Origin", "x", None),
        ("", "", None),
    ],
)
def test_which_remote_is_meant(name: str, address: str, found: str | None) -> None:
    remotes = [Remote("origin", "https://u:p@h.example/x"), Remote("b", "/srv/b.git")]
    one = find_remote(remotes, name, address)
    assert (one.name if one else None) == found


def test_a_move_is_told_as_it_was_judged() -> None:
    commit = "a" * 40
    move = read_move("+", commit, "HEAD", "refs/heads/main")
    assert move == Move("refs/heads/main", commit, "HEAD", True)
    assert (move.refspec, move.order) == ("+HEAD:refs/heads/main", f"+{commit}:refs/heads/main")
    gone = read_move("", "", "x", "refs/heads/main")
    assert (gone.refspec, gone.order) == (":refs/heads/main", ":refs/heads/main")
    for source in ("a\nb", "--delete", "+x", "x:refs/heads/mine", "tag x", "", "\ue002", "é"):
        assert read_move("", commit, source, "refs/heads/x").refspec == f"{commit}:refs/heads/x"


def test_results_are_those_of_what_was_pushed() -> None:
    moves = [Move(f"refs/heads/{name}", "a" * 40) for name in "abc"]
    out = (
        b"To h:x\n*\taaa:refs/heads/a\t[new branch]\n"
        b"!\taaa:refs/heads/b\t[rejected] (non-fast-forward)\n"
        b" \taaa:refs/heads/other\t1..2\nDone\n"
    )
    assert results_of(moves, out) == {"refs/heads/a": "", "refs/heads/b": "non-fast forward"}


def test_the_hubs_refs(ground: Ground) -> None:
    ground.git("tag", "-a", "-m", "one", "v1")
    ground.git("branch", "agent/alice")
    tip, tag = ground.git("rev-parse", "main"), ground.git("rev-parse", "v1")
    assert describe_hub(ground.repository, "refs/heads/agent/alice") == (
        ":object-format sha1",
        "@refs/heads/main HEAD",
        f"{tip} refs/heads/main",
        f"{tag} refs/tags/v1",
        f"{tip} refs/tags/v1^{{}}",
    )


def test_a_remotes_refs(ground: Ground) -> None:
    told = b"ref: refs/heads/main\tHEAD\n1\tHEAD\n1\trefs/heads/main\n2\trefs/tags/v1^{}\n"
    assert describe_remote(ground.repository, told) == (
        ":object-format sha1",
        "@refs/heads/main HEAD",
        "1 refs/heads/main",
        "2 refs/tags/v1^{}",
    )
