"""What people get wrong: one line that says so, what to do, the documented exit code, and nothing
half made."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from installation import Installation, Ran

pytestmark = pytest.mark.kernel


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Installation, Path]]:
    """One adopted repository with agent alice, for what changes nothing."""
    installation = Installation(tmp_path_factory.mktemp("i")).make()
    root = installation.make_repository()
    assert installation.polis("init", cwd=root).status == 0
    assert installation.polis("agents", "add", "alice", cwd=root).status == 0
    yield installation, root
    installation.stop()


def _said(ran: Ran, status: int) -> tuple[str, str]:
    """The line and the hint on standard error, and nothing else anywhere."""
    assert (ran.status, ran.out) == (status, ""), ran.err
    lines = ran.err.splitlines()
    assert len(lines) in (1, 2), ran.err
    assert lines[0].startswith("polis: ")
    hint = lines[1] if len(lines) == 2 else "hint: "
    assert hint.startswith("hint: ")
    return lines[0].removeprefix("polis: "), hint.removeprefix("hint: ")


@pytest.mark.parametrize(
    ("kind", "message", "hint"),
    [
        ("plain", "is not in a git repository", "git init"),
        ("bare", "is in a bare repository", "git clone"),
        ("empty", "has no commits yet", "commit --allow-empty"),
        ("missing", "No such file or directory", "(a new repository: git init "),
        ("file", "is not a directory", "cd "),
    ],
)
def test_what_cannot_be_adopted(
    installation: Installation, kind: str, message: str, hint: str
) -> None:
    place = installation.folder / "place"
    match kind:
        case "plain":
            place.mkdir()
        case "bare":
            installation.run("git", "init", "-q", "--bare", str(place))
        case "empty":
            installation.run("git", "init", "-q", str(place))
        case "file":
            place.touch()
    said, advice = _said(installation.polis("init", str(place)), 64)
    assert message in said
    assert str(place) in said
    assert hint in advice
    nothing = _said(installation.polis("agents", "list"), 64)
    assert nothing == ("no repository is under polis yet", "cd REPO; polis init")


def test_a_dirty_repository_is_adopted_and_left_as_it_is(installation: Installation) -> None:
    root = installation.make_repository()
    (root / "README.md").write_text("changed\n")
    (root / "new.txt").touch()
    before = installation.git(root, "status", "--porcelain")
    ran = installation.polis("init", cwd=root)
    assert ran.status == 0
    assert "note: 2 uncommitted changes" in ran.out
    assert installation.git(root, "status", "--porcelain") == before


def test_two_that_adopt_at_once_both_succeed(installation: Installation) -> None:
    root = installation.make_repository()
    both = [
        subprocess.Popen(
            ["polis", "init", "--json"],
            cwd=root,
            env=installation.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(2)
    ]
    ended = [running.communicate(timeout=60) for running in both]
    assert [running.returncode for running in both] == [0, 0], ended
    assert sorted(b'"fresh": true' in out for out, _ in ended) == [False, True]


@pytest.mark.parametrize(
    ("argv", "message", "hint"),
    [
        (("add", "alice"), "there is an agent alice already", "polis shell alice"),
        (("add", "Bob"), "'Bob' cannot be an agent's name: 2 to 31 characters", "bob"),
        (("add", "b"), "'b' cannot be an agent's name", ""),
        (("add", "b" * 32), "cannot be an agent's name", ""),
        (("add", "../bob"), "'../bob' cannot be an agent's name", "bob"),
        (("add", "bob", "--from", "nowhere"), "'nowhere' names no commit", "log"),
        (("add", "bob", "--from", "--upload-pack=x"), "names no commit", ""),
        (("add", "bob", "--branch", "main"), "main", ""),
        (("add", "bob", "--branch", "a..b"), "a..b", ""),
        (("add", "bob", "--branch", "agent/alice"), "is in use by agent alice", ""),
        (("add", "bob", "--provider", "claud"), "there is no provider 'claud'", "mean claude?"),
        (("show", "alcie"), "there is no agent 'alcie'", "did you mean alice?"),
        (("path", "zoe"), "there is no agent 'zoe'", "known: alice"),
        (("remove", "alcie"), "there is no agent 'alcie'", "did you mean alice?"),
        (("shell", "alcie", "-c", "true"), "there is no agent 'alcie'", "did you mean alice?"),
    ],
)
def test_agents_that_cannot_be(
    shop: tuple[Installation, Path], argv: tuple[str, ...], message: str, hint: str
) -> None:
    installation, root = shop
    said, advice = _said(installation.polis("agents", *argv, cwd=root), 64)
    assert message in said
    assert hint in advice
    agents = installation.polis("agents", "list", "--json", cwd=root).out
    assert agents.count('"name"') == 1
    assert installation.git(root, "branch", "--format=%(refname:short)") == "agent/alice\nmain\n"


def test_one_agent_more_than_may_be_is_refused(shop: tuple[Installation, Path]) -> None:
    installation, root = shop
    assert installation.polis("config", "set", "max-agents", "1", cwd=root).status == 0
    said = _said(installation.polis("agents", "add", "bob", cwd=root), 64)
    assert said == (
        "bob would be agent 2, and the setting max-agents is 1",
        "polis config set max-agents 2, or polis agents remove NAME",
    )
    assert "agent/bob" not in installation.git(root, "branch")
    assert installation.polis("config", "set", "max-agents", "2", cwd=root).status == 0
    assert installation.polis("agents", "add", "bob", cwd=root).status == 0
    assert installation.polis("agents", "remove", "bob", cwd=root).status == 0
    installation.git(root, "branch", "-D", "agent/bob")


def test_a_mode_that_cannot_be_had_makes_nothing(shop: tuple[Installation, Path]) -> None:
    installation, root = shop
    mode = "rootless" if os.geteuid() == 0 else "full"
    said, _ = _said(installation.polis("agents", "add", "bob", "--mode", mode, cwd=root), 69)
    assert said.startswith(f"bob cannot have mode {mode}")
    assert installation.polis("agents", "path", "alice", cwd=root).status == 0
    assert "agent/bob" not in installation.git(root, "branch")


def test_a_command_for_an_agent_that_is_not_there(shop: tuple[Installation, Path]) -> None:
    installation, root = shop
    for argv in (("exec", "alcie", "--", "true"), ("shell", "alcie", "-c", "true")):
        said, advice = _said(installation.polis(*argv, cwd=root), 64)
        assert "there is no agent 'alcie'" in said
        assert "did you mean alice?" in advice


def test_a_question_that_is_not_there(shop: tuple[Installation, Path]) -> None:
    installation, root = shop
    said = _said(installation.polis("approvals", "allow", "q99", cwd=root), 64)
    assert said == ("there is no open question q99", "polis approvals list")


@pytest.mark.parametrize(
    "line",
    ["x" * 100_000, b"echo \xff\xfe"],
    ids=["long", "no UTF-8"],
)
def test_a_line_that_is_not_understood_is_asked_about(
    shop: tuple[Installation, Path], line: str | bytes
) -> None:
    installation, root = shop
    installation.polis("config", "set", "ask-seconds", "0.2")
    ran = installation.polis("shell", "alice", "-c", line, cwd=root)
    assert ran.status == 124
    assert ran.out == ""
    assert "polis: asked by not-understood: " in ran.err
    assert "hint: asked as q" in ran.err


@pytest.mark.parametrize("line", ["echo 'unbalanced", "echo $(", "if true; then"])
def test_a_line_with_bad_syntax_is_refused(shop: tuple[Installation, Path], line: str) -> None:
    installation, root = shop
    ran = installation.polis("shell", "alice", "-c", line, cwd=root)
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith("polis: bad syntax, none of it was run: line ")
    ran = installation.polis("policy", "explain", line, cwd=root)
    assert ran.out.startswith("deny\n  bash cannot read it, so nobody is asked: line ")
    assert "\n  none of it runs, and its status is 2\n" in ran.out
    assert "not-understood" not in ran.out
    told = json.loads(installation.polis("policy", "explain", "--json", line, cwd=root).out)
    assert (told["decision"], told["outcome"], bool(told["broken"])) == ("ask", "deny", True)
    inside = installation.polis("exec", "alice", "--", "polis", "explain", line, cwd=root)
    told = json.loads(inside.out)
    assert told["text"].startswith("polis: bad syntax, none of it was run: line ")


def test_a_broken_line_that_a_rule_denies_is_denied_by_it(shop: tuple[Installation, Path]) -> None:
    installation, root = shop
    line = "rm -rf /; echo 'unbalanced"
    ran = installation.polis("policy", "explain", line, cwd=root)
    denied = installation.polis("shell", "alice", "-c", line, cwd=root).status == 126
    assert ("none of it runs" not in ran.out) == denied


def test_a_line_of_nuls_is_refused(shop: tuple[Installation, Path]) -> None:
    installation, root = shop
    ran = installation.polis("shell", "alice", cwd=root, input=b"echo a\0b\0\0\n")
    assert ran.status != 0
    assert ran.out == ""
    assert ran.err.startswith("polis: ")


def test_a_policy_that_is_broken_later_leaves_the_last_good_one(
    installation: Installation,
) -> None:
    root = installation.make_repository()
    installation.polis("init", cwd=root)
    installation.polis("agents", "add", "alice", cwd=root)
    (root / ".polis").mkdir()
    (root / ".polis/policy.yaml").write_text("version: 1\nrules: [{id: x}]\n")
    assert installation.polis("exec", "alice", "--", "true", cwd=root).status == 0
    refused = installation.polis("shell", "alice", "-c", "rm -rf /", cwd=root)
    assert refused.status == 126
    said, _ = _said(installation.polis("policy", "list", cwd=root), 125)
    assert ".polis/policy.yaml:2" in said


def test_without_a_runtime_folder_polis_works(installation: Installation) -> None:
    root = installation.make_repository()
    environment = {"XDG_RUNTIME_DIR": ""}
    for argv in (("init",), ("agents", "add", "alice"), ("exec", "alice", "--", "true")):
        assert installation.polis(*argv, cwd=root, environment=environment).status == 0
    assert installation.polis("down", cwd=root, environment=environment).status == 0
