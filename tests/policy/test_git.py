from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from rules import actions, outcome, rule_of

from cash.policy.action import Exec, GitOp
from cash.policy.examples import USUAL


def _git(line: str, config: dict[str, str] | None = None) -> list[GitOp]:
    facts = replace(USUAL.facts, git_config=config or {})
    return [one for one in actions(line, facts=facts) if isinstance(one, GitOp)]


@pytest.mark.parametrize(
    ("line", "operation", "remote", "refspecs", "branches"),
    [
        ("git status", "status", None, (), ()),
        ("git -C x --no-pager log", "log", None, (), ()),
        (
            "git push",
            "push",
            "origin",
            ("agent/alice:refs/heads/agent/alice",),
            ("agent/alice",),
        ),
        ("git push origin main", "push", "origin", ("main:refs/heads/main",), ("main",)),
        ("git push -f origin main", "push", "origin", ("+main:refs/heads/main",), ("main",)),
        ("git push origin +main", "push", "origin", ("+main:refs/heads/main",), ("main",)),
        (
            "git push origin HEAD:refs/heads/x",
            "push",
            "origin",
            ("HEAD:refs/heads/x",),
            ("x",),
        ),
        ("git push origin :x", "push", "origin", (":refs/heads/x",), ("x",)),
        ("git push -d origin x", "push", "origin", (":refs/heads/x",), ("x",)),
        ("git push --delet origin x", "push", "origin", (":refs/heads/x",), ("x",)),
        ("git push origin tag v1", "push", "origin", ("refs/tags/v1:refs/tags/v1",), ()),
        (
            "git push origin HEAD",
            "push",
            "origin",
            ("HEAD:refs/heads/agent/alice",),
            ("agent/alice",),
        ),
        (
            "git push https://x.example/y z",
            "push",
            "https://x.example/y",
            ("z:refs/heads/z",),
            ("z",),
        ),
        ("git switch -c new", "switch", None, (), ("new",)),
        ("git checkout main", "checkout", None, (), ("main",)),
        ("git branch -D a b", "branch", None, (), ("a", "b")),
        ("git update-ref refs/heads/x HEAD", "update-ref", None, (), ("x",)),
        ("/usr/lib/git-core/git-push origin x", "push", "origin", ("x:refs/heads/x",), ("x",)),
        ("git -c alias.p='push -f' p origin x", "push", "origin", ("+x:refs/heads/x",), ("x",)),
        ("git clone https://x.example/y", "clone", "https://x.example/y", (), ()),
    ],
)
def test_operations(
    line: str,
    operation: str,
    remote: str | None,
    refspecs: tuple[str, ...],
    branches: tuple[str, ...],
) -> None:
    (found,) = _git(line)
    assert (found.operation, found.remote) == (operation, remote)
    assert (found.refspecs, found.branches) == (refspecs, branches)


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"remote.origin.push": "+refs/heads/*:refs/heads/*"}, "+"),
        ({"remote.origin.mirror": "true"}, "+"),
        ({"push.default": "matching"}, "refs/heads/"),
        (
            {"push.default": "upstream", "branch.agent/alice.merge": "refs/heads/main"},
            "agent/alice",
        ),
        ({"remote.pushdefault": "fork", "remote.fork.push": ":refs/heads/x"}, ":"),
    ],
)
def test_configuration_decides_what_a_bare_push_does(config: dict[str, str], expected: str) -> None:
    (found,) = _git("git push", config)
    assert found.refspecs[0].startswith(expected)


@pytest.mark.parametrize(
    ("line", "key", "value"),
    [
        ("git -c core.hooksPath=/x status", "core.hookspath", "/x"),
        ("git -c core.bare status", "core.bare", "true"),
        ("GIT_SSH_COMMAND=evil git fetch", "core.sshcommand", "evil"),
        ("env GIT_EXTERNAL_DIFF=evil git diff", "diff.external", "evil"),
        (
            "GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=core.pager GIT_CONFIG_VALUE_0=evil git log",
            "core.pager",
            "evil",
        ),
        ("GIT_CONFIG_PARAMETERS=\"'core.editor=evil'\" git commit", "core.editor", "evil"),
        ("git config core.fsmonitor evil", "core.fsmonitor", "evil"),
        ("git config --global alias.x '!evil'", "alias.x", "!evil"),
        ("git config set core.editor evil", "core.editor", "evil"),
    ],
)
def test_configuration_a_line_brings(line: str, key: str, value: str) -> None:
    (found,) = _git(line)
    assert found.config[key] == value


def test_an_alias_of_shell_text_is_judged_as_such() -> None:
    line = "git -c alias.x='!rm -rf /' x y"
    assert not _git(line)
    names = [one.program for one in actions(line) if isinstance(one, Exec)]
    assert names == ["git", "rm"]
    unclosed = actions("git -c alias.x='!\"' x")
    assert [one.program for one in unclosed if isinstance(one, Exec)] == ["git", None]
    assert not [one for one in _git("git -c alias.status='!evil' status") if one.operation == "x"]


FORCE = {"operation": "push", "flags": {"any": ["--force"]}}


@pytest.mark.parametrize(
    ("keys", "line", "expected"),
    [
        (FORCE, "git push -f", "deny"),
        (FORCE, "git push -uf origin x", "deny"),
        (FORCE, "git push --forc", "deny"),
        (FORCE, "git push --force-with-lease", "pass"),
        (FORCE, "git push -o --force", "pass"),
        (FORCE, "git fetch -f", "pass"),
        (FORCE, "git -C x -c a.b=c push origin main --force", "deny"),
        ({"operation": "push", "flags": ["+refspec"]}, "git push origin +x", "deny"),
        ({"operation": "push", "refspec": "+*"}, "git push -f origin x", "deny"),
        ({"operation": "push", "refspec": "+*"}, "git push --mirror", "deny"),
        ({"operation": "push", "refspec": ":*"}, "git push --delete origin x", "deny"),
        ({"operation": "push", "refspec": "*:refs/heads/main"}, "git push origin a:main", "deny"),
        ({"operation": "push", "refspec": "*:refs/heads/main"}, "git push --all", "pass"),
        (
            {"operation": "push", "refspec": "*:refs/heads/main", "unknown": "ask"},
            "git push --all",
            "ask",
        ),
        ({"operation": "push", "branch": "main"}, "git push origin main", "deny"),
        ({"operation": "push", "branch": "main"}, "git push origin x", "pass"),
        ({"operation": "commit", "branch": "main"}, "git commit", "pass"),
        ({"remote": "origin"}, "git push", "deny"),
        ({"remote": "https://*"}, "git fetch https://x.example/y", "deny"),
        ({"operation": "push", "unless": {"branch": "agent/$agent"}}, "git push", "pass"),
        (
            {"operation": "push", "unless": {"branch": "agent/$agent"}},
            "git push origin agent/alice main",
            "deny",
        ),
        ({"config": {"core.hooksPath": "*"}}, "git -c CORE.HooksPath=x status", "deny"),
        ({"config": {"core.hooksPath": "*"}}, "git -c core.editor=x status", "pass"),
        ({"config": {"alias.*": "!*"}}, "git config alias.x '!y'", "deny"),
        ({"operation": "reset", "args": ["..."], "flags": ["--hard"]}, "git reset --hard", "deny"),
        ({"operation": "push"}, "git $V", "pass"),
        ({"operation": "push", "unknown": "ask"}, "git $V", "ask"),
        ({"operation": "push"}, "V=push; git $V", "deny"),
        ({"operation": "push"}, "git stash push", "pass"),
    ],
)
def test_rules_of_git(keys: dict[str, Any], line: str, expected: str) -> None:
    assert outcome(rule_of(on="git", **keys), line) == expected
