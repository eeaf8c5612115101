from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from rules import outcome, read_nested, rule_of

from cash.policy.action import Exec
from cash.policy.examples import USUAL
from cash.policy.identity import Identities, find_identities
from cash.policy.policy import Policy
from cash.policy.verdict import Decision


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("rm x", "deny"),
        ("/bin/rm x", "deny"),
        ("./elsewhere/rm x", "deny"),
        ('"$BIN/rm" x', "deny"),
        ("R=rm; $R x", "deny"),
        ("busybox rm x", "deny"),
        ("/bin/busybox rm x", "deny"),
        ("toybox rm x", "deny"),
        ("coreutils --coreutils-prog=rm x", "deny"),
        ("sudo rm x", "deny"),
        ("env -i rm x", "deny"),
        ("command rm x", "deny"),
        ("bash -c 'rm x'", "deny"),
        ("echo a | xargs rm", "deny"),
        ("busybox ls rm", "pass"),
        ("echo rm x", "pass"),
        ("rmdir x", "pass"),
        ("RM x", "pass"),
    ],
)
def test_spellings(line: str, expected: str) -> None:
    assert outcome(rule_of(program="rm"), line) == expected


def test_the_applet_has_its_own_arguments() -> None:
    policy = rule_of(program="rm", flags=["-r"], paths=["$root"])
    assert outcome(policy, "busybox rm -rf /") == "deny"
    assert outcome(policy, "coreutils --coreutils-prog=rm -r /") == "deny"
    assert outcome(policy, "busybox rm -r x") == "pass"


@pytest.fixture
def bin_folder(tmp_path: Path) -> Path:
    """A PATH with a program, a hard link of it, and a symbolic link to it."""
    folder = tmp_path / "bin"
    folder.mkdir()
    shutil.copy("/bin/true", folder / "tool")
    os.link(folder / "tool", folder / "other")
    (folder / "alias").symlink_to("tool")
    shutil.copy("/bin/true", folder / "unrelated")
    return folder


def _exec(path: Path, name: str | None = None) -> Exec:
    real = os.path.realpath(path)
    status = os.stat(path)
    command = read_nested(f"{name or path} x").commands[0]
    return Exec(
        command,
        (name or path.name).rpartition("/")[2],
        "/",
        resolved=real,
        inode=(status.st_dev, status.st_ino),
    )


def _decide(policy: Policy, action: Exec, identities: Identities) -> Decision | None:
    verdict = policy.judge((action,), replace(USUAL, identities=identities))
    return verdict.matches[0].decision if verdict.matches else None


def test_files_are_known_by_what_they_are(bin_folder: Path) -> None:
    identities = find_identities(["tool"], f"/nowhere:{bin_folder}")
    deny = rule_of(program="tool")
    assert _decide(deny, _exec(bin_folder / "tool"), identities) is Decision.DENY
    assert _decide(deny, _exec(bin_folder / "other"), identities) is Decision.DENY
    assert _decide(deny, _exec(bin_folder / "alias"), identities) is Decision.DENY
    assert _decide(deny, _exec(bin_folder / "tool", "unrelated"), identities) is Decision.DENY
    assert _decide(deny, _exec(bin_folder / "unrelated"), identities) is None
    # Called by the name, though it is another file: still refused.
    assert _decide(deny, _exec(bin_folder / "unrelated", "tool"), identities) is Decision.DENY


def test_an_allow_needs_path_and_inode(bin_folder: Path) -> None:
    identities = find_identities(["tool"], str(bin_folder))
    allow = rule_of(program="tool", decide="allow")
    assert _decide(allow, _exec(bin_folder / "tool"), identities) is Decision.ALLOW
    assert _decide(allow, _exec(bin_folder / "alias", "tool"), identities) is Decision.ALLOW
    assert _decide(allow, _exec(bin_folder / "unrelated", "tool"), identities) is None
    assert _decide(allow, _exec(bin_folder / "tool", "unrelated"), identities) is None


def test_a_program_with_several_names_keeps_them_apart(bin_folder: Path) -> None:
    identities = find_identities(["tool", "other"], str(bin_folder))
    assert _decide(rule_of(program="tool"), _exec(bin_folder / "other"), identities) is None
    assert (
        _decide(rule_of(program="tool"), _exec(bin_folder / "other", "third"), identities)
        is Decision.DENY
    )


def test_the_names_rules_use_are_what_is_looked_up() -> None:
    policy = rule_of(any=[{"program": "a|b"}, {"program": "c*"}])
    assert policy.programs == {"a", "b"}
