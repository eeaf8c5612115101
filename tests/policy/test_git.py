from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rules import actions, judge, outcome, rule_of

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
    (unclosed,) = _git("git -c alias.x='!\"' x")
    assert unclosed.unclear
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


FORCED = {"operation": "push", "refspec": "+*"}


@pytest.mark.parametrize(
    "line",
    [
        "git config alias.p push; git p -f origin main",
        "git config alias.P push; git p -f origin main",
        "git config alias.p push && cd sub && git p -f",
        "git config --global alias.p 'push -f'; git p",
        "git config --add alias.p push; git p -f",
        "git config --replace-all alias.p push x; git p -f",
        "git config set --all alias.p push; git p -f",
        "git config --file .git/config alias.p push; git p -f",
        "git -C sub config alias.p push; git -C sub p -f",
        "git config alias.q p; git config alias.p push; git q -f",
        "git config alias.p status; git p; git config alias.p push; git p -f",
        "git config alias.p push; git p -f; git config alias.p status",
        "git config alias.c config; git c alias.p push; git p -f",
        "bash -c 'git config alias.p push; git p -f'",
        "git config alias.p push; bash -c 'git p -f'",
        "K=alias.p V=push; git config $K $V; git p -f",
        "GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=alias.p GIT_CONFIG_VALUE_0=push git p -f",
        "export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=alias.p GIT_CONFIG_VALUE_0=push; git p -f",
        "export GIT_CONFIG_KEY_0=alias.p; export GIT_CONFIG_VALUE_0='push -f'; git p",
        "declare -x GIT_CONFIG_PARAMETERS=\"'alias.p'='push -f'\"; git p",
        "set -a; GIT_CONFIG_PARAMETERS=\"'alias.p=push'\"; git p -f",
        "git clone -c alias.p='push -f' . y; cd y; git p",
        "git config alias.a '!git p -f'; git config alias.p push; git a",
        "git -c alias.s='!git config alias.p push' s; git p -f",
        "git -c alias.x='!git config alias.p push; git p -f' x",
        "git -c alias.p=push -c alias.x='!git p -f' x",
        "git config remote.origin.push +main; git push",
        "K=remote.origin.push; git config --add $K +main; git config --add $K x; git push",
        "git config remote.origin.mirror true; git push",
        "git config remote.pushDefault fork; git config remote.fork.push +x; git push",
    ],
)
def test_a_line_that_configures_git_is_judged_with_that(line: str) -> None:
    assert outcome(rule_of(on="git", **FORCED), line) == "deny"


@pytest.mark.parametrize(
    "line",
    [
        "git config alias.p push; git p origin main",
        "git config alias.st status; git st -f",
        "git config --get alias.p push; git p -f",
        "git config --unset alias.p push; git p -f",
        "git config alias.status 'push -f'; git status",
        "git config push.default nothing; git push",
        "git config user.email a@b.c; git push",
        "export GIT_AUTHOR_NAME=x; git push",
    ],
)
def test_configuration_that_forces_nothing(line: str) -> None:
    assert outcome(rule_of(on="git", **FORCED), line) == "pass"


@pytest.mark.parametrize(
    ("config", "line"),
    [
        ({"alias.p": "push -f"}, "git p; git config alias.p status"),
        ({"alias.p": "push -f"}, "git p; export GIT_CONFIG_PARAMETERS=\"'alias.p=status'\""),
        ({"remote.origin.push": "+x"}, "git push; git config remote.origin.push x"),
        ({"remote.origin.push": "+x\nx"}, "git push"),
        ({"alias.a": "!git p -f", "alias.p": "push"}, "git a"),
    ],
)
def test_what_held_before_the_line_still_counts(config: dict[str, str], line: str) -> None:
    facts = replace(USUAL.facts, git_config=config)
    assert outcome(rule_of(on="git", **FORCED), line, facts=facts) == "deny"


@pytest.mark.parametrize(
    ("line", "asked"),
    [
        ('git config alias.p "$X"; git p', True),
        ('git config "$K" push; git p -f', True),
        ("git config $X; git p -f", True),
        ("read GIT_CONFIG_VALUE_0; export GIT_CONFIG_KEY_0=alias.p; git p", True),
        ("export $X; git p -f", True),
        ("X='push -f' git --config-env=alias.p=X p", True),
        ("git config --rename-section foo alias; git p -f", True),
        ("echo '[alias] p = push' >> .git/config; git p -f", True),
        ("cd .git && tee -a config <<< x; cd ..; git p -f", True),
        ("sed -i s/a/b/ ~/.gitconfig; git push", True),
        ("cp x ~/.config/git/config; git push", True),
        ("git -c alias.x='!\"' x", True),
        ("git $(echo push) -f", True),
        (
            "git config " + "; git config ".join(f"alias.a{n} b" for n in range(20)) + "; git p",
            True,
        ),
        ('git config "$K" push; git push', False),
        ("git config alias.p push; git p", False),
        ("export PATH=$X; git p -f", False),
        ("echo x >> .git/info/exclude; git status", False),
        ("echo x >> app/config; git status", False),
        ("echo x >> .git/config; git config --list", False),
        ('git config "$K"; git lfs pull', False),
        ("git lfs pull", False),
    ],
)
def test_what_git_will_do_is_asked_about_where_it_is_not_known(line: str, asked: bool) -> None:
    policy = rule_of(on="exec", program="nothing")
    rules = [match.rule for match in judge(policy, line).matches]
    assert ("unclear-git" in rules) is asked


@pytest.mark.parametrize(
    ("line", "flag"),
    [
        ("git -c clean.requireForce=false clean -d", "--force"),
        ("git config clean.requireForce no; git clean -d", "--force"),
        ("git -c gc.pruneExpire=now gc", "--prune="),
        ("git config gc.reflogExpire now; git gc", "--prune="),
    ],
)
def test_configuration_that_stands_for_a_flag(line: str, flag: str) -> None:
    assert flag in _git(line)[-1].flags


def test_variables_that_a_line_exports_configure_its_git() -> None:
    for line, key in (
        ("export GIT_SSH_COMMAND=evil; git fetch", "core.sshcommand"),
        ("GIT_EXTERNAL_DIFF=evil; git diff", "diff.external"),
        ("export GIT_CONFIG_GLOBAL=./evil; git log", "include.path"),
        ("export GIT_CONFIG_KEY_0=core.hooksPath GIT_CONFIG_VALUE_0=x; git log", "core.hookspath"),
    ):
        assert any(key in one.config for one in _git(line)), line
    assert not _git("export GIT_CONFIG_GLOBAL=/dev/null; git log")[-1].config


def test_aliases_that_run_each_other_without_end_are_asked_about() -> None:
    facts = replace(USUAL.facts, git_config={"alias.x": "!git x y; git x z"})
    policy = rule_of(on="exec", program="nothing")
    assert {one.rule for one in judge(policy, "git x", facts=facts).matches} == {"unclear-git"}


WORDS = st.sampled_from(
    ["git", "config", "alias.p", "push", "-f", "p", ";", "'!git p'", "-c", "alias.p=push", "$X"]
)


@given(st.lists(WORDS, max_size=14))
def test_more_configuration_never_makes_a_line_freer(words: list[str]) -> None:
    policy = rule_of(on="git", **FORCED)
    line = " ".join(words)
    after = judge(policy, f"{line} ; git config alias.p status").decision
    assert after >= judge(policy, line).decision
