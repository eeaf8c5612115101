"""polis agents pr: a real push to a real remote, and a pull request opened over HTTP."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from desk import Desk
from forge import TOKEN, Forge, serve_forge
from homecoming import at_terminal, commit, work
from installation import Ran

pytestmark = pytest.mark.kernel


def _git(desk: Desk, *words: str) -> str:
    return desk.installation.git(desk.repository, *words).strip()


def _make_remote(desk: Desk, host: str) -> Path:
    """A bare repository that the user's git finds under a forge's address."""
    bare = desk.installation.folder / "remote.git"
    _git(desk, "init", "-q", "--bare", str(bare))
    _git(desk, "remote", "add", "origin", f"https://{host}/ada/shop.git")
    _git(desk, "config", f"url.{bare}.insteadOf", f"https://{host}/ada/shop.git")
    _git(desk, "push", "-q", "-u", "origin", "main")
    return bare


@pytest.fixture
def forge(desk: Desk) -> Iterator[Forge]:
    with serve_forge(_make_remote(desk, "github.com"), "github.com") as served:
        yield served


def _pr(desk: Desk, forge: Forge, *words: str, **more: str) -> Ran:
    environment = {"GH_TOKEN": TOKEN, "POLIS_GITHUB_API": forge.api, **more}
    return desk.polis("agents", "pr", "alice", *words, environment=environment)


def _opened(ran: Ran) -> dict[str, Any]:
    assert ran.status == 0, ran.err
    found: dict[str, Any] = json.loads(ran.out)
    return found


def test_pushed_and_opened(desk: Desk, forge: Forge) -> None:
    commit(desk, "a.txt", "a\n", "Begin a")
    tip = commit(desk, "b.txt", "b\n", "Add b")
    ran = _pr(desk, forge, "--yes")
    assert ran.status == 0, ran.err
    assert ran.out == "https://github.com/ada/shop/pull/1\n"
    there = desk.installation.git(forge.bare, "rev-parse", "agent/alice").strip()
    assert there == tip
    (pull,) = forge.pulls
    assert (pull["title"], pull["body"]) == ("Begin a", "* Begin a\n* Add b")
    assert (pull["head"], pull["base"], pull["draft"]) == ("agent/alice", "main", False)
    (pushed,) = [entry["body"] for entry in desk.log("pushed")]
    assert (pushed["remote"], pushed["branch"], pushed["commit"]) == ("origin", "agent/alice", tip)
    (opened,) = [entry["body"] for entry in desk.log("pr-opened")]
    assert opened["url"] == "https://github.com/ada/shop/pull/1"


def test_the_token_is_kept_nowhere(desk: Desk, forge: Forge) -> None:
    commit(desk, "a.txt", "a\n")
    assert _pr(desk, forge, "--yes").status == 0
    desk.installation.stop()
    kept = [
        path
        for top in (desk.installation.folder, desk.repository)
        for path in top.rglob("*")
        if path.is_file() and not path.is_symlink() and TOKEN.encode() in path.read_bytes()
    ]
    assert kept == []


def test_one_that_is_open_is_brought_up_to_date(desk: Desk, forge: Forge) -> None:
    commit(desk, "a.txt", "a\n")
    assert not _opened(_pr(desk, forge, "--yes", "--json"))["existed"]
    tip = commit(desk, "b.txt", "b\n")
    found = _opened(_pr(desk, forge, "--yes", "--json"))
    assert (found["existed"], found["url"]) == (True, "https://github.com/ada/shop/pull/1")
    assert desk.installation.git(forge.bare, "rev-parse", "agent/alice").strip() == tip
    assert len(forge.pulls) == 1


def test_what_is_said_counts(desk: Desk, forge: Forge) -> None:
    _git(desk, "push", "-q", "origin", "main:next")
    commit(desk, "a.txt", "a\n", "Begin a")
    said = ("--title", "All of a", "--body", 'Why: "a"\n', "--base", "next", "--draft")
    found = _opened(_pr(desk, forge, "--yes", "--json", *said))
    assert (found["title"], found["base"], found["with"]) == ("All of a", "next", "api")
    (pull,) = forge.pulls
    assert (pull["body"], pull["draft"], pull["base"]) == ('Why: "a"\n', True, "next")


def test_a_single_commit_gives_its_body(desk: Desk, forge: Forge) -> None:
    work(desk, "echo a >a.txt; git add a.txt; git commit -qm 'Begin a' -m 'Because of b.'")
    _opened(_pr(desk, forge, "--yes", "--json"))
    assert (forge.pulls[0]["title"], forge.pulls[0]["body"]) == ("Begin a", "Because of b.")


def test_uncommitted_work_is_offered_and_taken_along(desk: Desk, forge: Forge) -> None:
    work(desk, "echo a >a.txt")
    ran = _pr(desk, forge, "--yes")
    assert ran.status == 64
    assert "alice has not committed 1 file: left behind" in ran.err
    assert "alice has committed nothing that main does not have" in ran.err
    assert "git push" not in ran.err
    assert _opened(_pr(desk, forge, "--yes", "--json", "--commit", "All"))["title"] == "All"


def test_it_asks_at_a_terminal(desk: Desk, forge: Forge) -> None:
    commit(desk, "a.txt", "a\n", "Begin a")
    ran = _pr(desk, forge)
    assert (ran.status, ran.err.splitlines()[-1]) == (64, "hint: polis agents pr alice --yes")
    desk.polis("config", "set", "github-api", forge.api)
    question = "Push agent/alice to origin and open it? [y/N]"
    words = ("agents", "pr", "alice")
    assert at_terminal(desk, *words, answers=[(question, "n")], GH_TOKEN=TOKEN)[0] == 1
    assert not forge.has("agent/alice")
    status, screen = at_terminal(desk, *words, answers=[(question, "y")], GH_TOKEN=TOKEN)
    assert status == 0, screen
    assert "https://github.com/ada/shop/pull/1" in screen
    assert "title: Begin a" in screen


def test_without_a_remote(desk: Desk) -> None:
    ran = desk.polis("agents", "pr", "alice", "--yes")
    assert ran.status == 64
    assert ran.err.splitlines() == [
        f"polis: {desk.repository} has no remote to push to",
        f"hint: git -C {desk.repository} remote add origin https://github.com/YOU/shop.git",
    ]


@pytest.mark.parametrize(
    ("words", "address", "told"),
    [
        (("--remote", "upstream"), "", "there is no remote 'upstream'\nhint: known: origin; or "),
        ((), "/srv/shop.git", "origin is at /srv/shop.git, where there are no pull requests"),
    ],
)
def test_a_remote_that_will_not_do(
    desk: Desk, forge: Forge, words: tuple[str, ...], address: str, told: str
) -> None:
    if address:
        _git(desk, "remote", "set-url", "origin", address)
    ran = _pr(desk, forge, "--yes", *words)
    assert (ran.status, told in ran.err) == (64, True), ran.err


def test_without_gh_and_token_nothing_is_pushed(desk: Desk, forge: Forge) -> None:
    commit(desk, "a.txt", "a\n")
    ran = desk.polis("agents", "pr", "alice", "--yes")
    assert ran.status == 69
    assert "nothing can open a pull request on github.com: gh is not logged in" in ran.err
    assert not forge.has("agent/alice")


def test_a_token_goes_to_no_other_host(desk: Desk, forge: Forge) -> None:
    """Of a remote elsewhere, the one for github.com is not told."""
    commit(desk, "a.txt", "a\n")
    _git(desk, "remote", "set-url", "origin", "https://git.example.org/ada/shop.git")
    ran = desk.polis("agents", "pr", "alice", "--yes", environment={"GH_TOKEN": TOKEN})
    assert ran.status == 69
    assert "GH_ENTERPRISE_TOKEN is not set" in ran.err
    ran = _pr(desk, forge, "--yes", POLIS_GITHUB_API="http://api.example.org")
    assert ran.status == 64
    assert "github-api must begin with https://" in ran.err
    (desk.repository / ".polis").mkdir()
    (desk.repository / ".polis/config.yaml").write_text(f"github-api: {forge.api}\n")
    ran = desk.polis("agents", "pr", "alice", "--yes", environment={"GH_TOKEN": TOKEN})
    assert ran.status == 64
    assert "github-api cannot be set by a repository" in ran.err
    assert forge.heard == []


@pytest.mark.parametrize(
    ("trouble", "token", "told"),
    [
        (None, "wrong", "the token is not accepted"),
        ((200, b"<html>"), TOKEN, "answers, but not as GitHub does"),
        ((200, b"7"), TOKEN, "answers, but not as GitHub does"),
        ((404, b"{}"), TOKEN, "the token may not open pull requests in ada/shop"),
        ((500, b'{"message": "tired\\u001b[2J"}'), TOKEN, "no pull request was opened: tired\\x1b"),
        ((302, b"{}"), TOKEN, "no pull request was opened: status 302"),
    ],
)
def test_a_forge_that_says_no(
    desk: Desk, forge: Forge, trouble: tuple[int, bytes] | None, token: str, told: str
) -> None:
    commit(desk, "a.txt", "a\n")
    forge.trouble = trouble
    ran = _pr(desk, forge, "--yes", GH_TOKEN=token)
    assert ran.status == 125
    assert told in ran.err, ran.err
    assert not any("elsewhere" in path for path in forge.heard)
    assert len(ran.err.split("polis: ")[-1].splitlines()) == 2  # one line and a hint


def test_a_forge_that_is_not_there(desk: Desk, forge: Forge) -> None:
    commit(desk, "a.txt", "a\n")
    ran = _pr(desk, forge, "--yes", POLIS_GITHUB_API="http://127.0.0.1:1")
    assert ran.status == 125
    assert "127.0.0.1:1 does not answer: " in ran.err
    # The branch is there; once more, and it is opened.
    assert _pr(desk, forge, "--yes").status == 0


def test_a_remote_that_has_more(desk: Desk, forge: Forge) -> None:
    commit(desk, "a.txt", "a\n")
    assert _pr(desk, forge, "--yes").status == 0
    work(desk, "git commit -q --amend -m Again")
    ran = _pr(desk, forge, "--yes")
    assert ran.status == 64
    assert ran.err.splitlines()[-2] == "polis: origin has commits on agent/alice that are not here"
    assert "git push --force-with-lease origin agent/alice" in ran.err


def test_a_remote_that_refuses_or_is_gone(desk: Desk, forge: Forge) -> None:
    commit(desk, "a.txt", "a\n")
    hook = forge.bare / "hooks/pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    ran = _pr(desk, forge, "--yes")
    assert ran.status == 125
    assert "origin refused agent/alice: [remote rejected] (pre-receive hook declined)" in ran.err
    forge.bare.rename(forge.bare.with_name("gone.git"))
    ran = _pr(desk, forge, "--yes")
    assert ran.status == 125
    assert "agent/alice could not be pushed to origin: " in ran.err


def test_nothing_that_the_agent_configured_takes_part(desk: Desk, forge: Forge) -> None:
    witness = desk.installation.folder / "witness"
    commit(desk, "a.txt", "a\n")
    config = desk.folder_of("alice") / "git/config"
    told = f"touch {witness}"
    config.write_text(
        f'{config.read_text()}[remote "origin"]\n\turl = ext::sh -c "{told}"\n'
        f'\tpushurl = ext::sh -c "{told}"\n[core]\n\tsshCommand = {told}\n'
        f"[credential]\n\thelper = !{told}\n[protocol]\n\tallow = always\n"
    )
    hook = desk.repository / ".git/hooks/pre-push"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\n{told}\nexit 1\n")
    hook.chmod(0o755)
    assert _pr(desk, forge, "--yes").status == 0
    assert not witness.exists()


def test_by_the_real_gh(desk: Desk) -> None:
    """gh as Debian ships it; of all hosts it speaks plain HTTP to github.localhost alone."""
    with serve_forge(_make_remote(desk, "github.localhost"), "github.localhost") as forge:
        commit(desk, "a.txt", "a\n", "Begin a")
        environment = {"GH_TOKEN": TOKEN, "http_proxy": forge.api, "HTTP_PROXY": forge.api}
        words = ("agents", "pr", "alice", "--yes", "--json", "--draft")
        found = _opened(desk.polis(*words, environment=environment))
        assert (found["with"], found["existed"]) == ("gh", False), forge.heard
        assert found["url"] == "https://github.localhost/ada/shop/pull/1"
        (pull,) = forge.pulls
        assert (pull["title"], pull["head"], pull["draft"]) == ("Begin a", "agent/alice", True)
        found = _opened(desk.polis(*words, environment=environment))
        assert (found["with"], found["existed"]) == ("gh", True)
        assert len(forge.pulls) == 1
        assert re.search("POST /graphql", "\n".join(forge.heard))
