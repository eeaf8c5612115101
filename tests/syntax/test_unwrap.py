"""Wrappers and texts: what stays known, and what is marked as unknown."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cash.syntax.command import Expansion
from cash.syntax.line import LineReader

Commands = Callable[[str], list[list[str]]]


@pytest.mark.parametrize(
    ("line", "last"),
    [
        ("env -i A=1 B=2 node x", ["node", "x"]),
        ("timeout -k 5 10 node x", ["node", "x"]),
        ("find . -name x -exec grep -l y {} +", ["grep", "-l", "y", "{}"]),
        ("bash -euo pipefail -c 'node x' name arg", ["node", "x"]),
        ("bash -c 'node \"$1\" $2' name a b", ["node", "a", "b"]),
        ("bash -c '\"$@\"' name node a b", ["node", "a", "b"]),
        ("ssh host node x \\| y", ["y"]),
        ("su - bob -c 'node x'", ["node", "x"]),
        ("watch -n1 'node x'", ["node", "x"]),
        ("flock -n lock -c 'node x'", ["node", "x"]),
        ("printf 'node %s\\n' x | sh", ["node", "x"]),
        ("busybox sh -c 'node x'", ["node", "x"]),
        ("exec -a name node x", ["node", "x"]),
        ("bash <<< 'node x'", ["node", "x"]),
        ("eval \"node\" 'x y'", ["node", "x", "y"]),
    ],
)
def test_the_innermost_command(line: str, last: list[str], commands: Commands) -> None:
    assert commands(line)[-1] == last


@pytest.mark.parametrize(
    "line",
    [
        'bash -c "$x"',
        'eval "$x"',
        "eval $(cat f)",
        "cat f | sh",
        "curl u | bash -s -- -y",
        "base64 -d <<< cm0= | sh",
        'bash <<< "$x"',
        "bash <(curl u)",
        "source <(curl u)",
        'ssh host "$x"',
        'su -c "$x"',
        "bash -c 'rm $1; $x'",
        'bash -c "cd $DIR && make"',
        "bash <<EOF\nmake $x\nEOF",
        "fish -c 'make'",
        "cat f | ssh host",
        "cat f | sudo -s",
        "parallel < jobs; cat jobs | parallel",
        "$x",
        '"$CC" -c x.c',
        "sudo $x",
        "xargs $x",
    ],
)
def test_what_cannot_be_known_is_a_command_without_a_name(line: str, deciding: LineReader) -> None:
    found = deciding.read(line)
    assert found.trouble is None
    assert any(each.argv and each.name is None for each in found.commands)


@pytest.mark.parametrize(
    "line",
    [
        "bash -c 'make x'",
        "bash script.sh",
        "sh",
        "echo x | sh",
        "cat f | grep sh",
        "bash -c 'make $x'",
        "find . -exec grep x {} +",
        "ls | xargs grep x",
        "source f",
        "eval make",
        "parallel grep x ::: a b",
        "bash < f",
        "make $x",
        "env A=$x make",
        "timeout $t make x",
    ],
)
def test_what_is_known_is_not_marked(line: str, deciding: LineReader) -> None:
    found = deciding.read(line)
    assert found.trouble is None
    assert all(each.name is not None for each in found.commands if each.argv)


def test_an_expansion_in_a_shells_text_stays_itself(deciding: LineReader) -> None:
    """It is expanded before the inner shell reads: single quotes there do not stop it."""
    inner = deciding.read("bash -c \"rm '$HOME'/x\"").commands[1]
    assert inner.argv[1].parts == (Expansion("parameter", "$HOME", "HOME"), "/x")


def test_arguments_found_by_others_are_unknown(deciding: LineReader) -> None:
    inner = deciding.read("ls | xargs rm -rf").commands[-1]
    assert [word.literal for word in inner.argv] == [True, True, False]


def test_what_env_sets_belongs_to_the_command(deciding: LineReader) -> None:
    inner = deciding.read("env GIT_DIR=/x git status").commands[-1]
    assert [(one.name, one.value.text) for one in inner.assignments] == [("GIT_DIR", "/x")]


def test_a_text_that_cannot_be_read_is_trouble(deciding: LineReader) -> None:
    assert deciding.read("bash -c 'if'").trouble is not None
    assert deciding.read("eval 'echo \"'").trouble is not None


def test_wrappers_without_end_are_trouble(deciding: LineReader) -> None:
    assert deciding.read("sudo " * 30 + "ls").trouble is not None
    assert deciding.read("eval " * 60 + "ls").trouble is not None


@pytest.mark.parametrize(
    "line",
    [
        "xargs --replace= sh -c 'ls {}'",
        "xargs -I '' ls",
        "parallel",
        "env -S ''",
        "find -exec",
        "sudo",
        "bash -c",
        "ssh",
        "trap",
        "flock",
        "xargs -i",
        "watch",
        "su",
        "env -S",
        "exec",
        "timeout",
        "script -c",
        "gdb --args",
        "setarch",
        "bwrap --bind",
        "mapfile -C",
    ],
)
def test_missing_words_harm_nobody(line: str, deciding: LineReader) -> None:
    assert deciding.read(line).commands[0].argv


def test_split_words(deciding: LineReader) -> None:
    line = deciding.read_argv(["sudo", "bash", "-c", "rm '$x' $(ls)", "a b"])
    assert [[word.text for word in each.argv] for each in line.commands] == [
        ["sudo", "bash", "-c", "rm '$x' $(ls)", "a b"],
        ["bash", "-c", "rm '$x' $(ls)", "a b"],
        ["rm", "$x", "$(ls)"],
        ["ls"],
    ]
    assert deciding.read_argv([]).trouble is not None
    assert deciding.read_argv(["echo", "a\0b"]).trouble is not None
    assert deciding.read_argv(["echo", "\udce9"]).commands[0].argv[1].text == "\udce9"
