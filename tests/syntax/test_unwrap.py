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
        ("bash -xc 'node x'", ["node", "x"]),
        ("bash -c -x 'node x'", ["node", "x"]),
        ("bash -c -- 'node x'", ["node", "x"]),
        ("bash -c -e -u -o pipefail 'node x'", ["node", "x"]),
        ("bash +x -c 'node x'", ["node", "x"]),
        ("sh -ec 'node x'", ["node", "x"]),
        ("bash -O extglob --rcfile f -c 'node x'", ["node", "x"]),
        ("tmux new -d 'node x'", ["node", "x"]),
        ("tmux -L s new-session -d -s a -n b node x", ["node", "x"]),
        ("tmux new -d \\; splitw -h 'node x'", ["node", "x"]),
        ("tmux new -d; tmux respawn-p -k 'node x'", ["node", "x"]),
        ("tmux if-shell true 'run-shell \"node x\"'", ["node", "x"]),
        ("tmux bind -T root x run-shell 'node x'", ["node", "x"]),
        ("tmux set-hook -g after-new-window \"run 'node x'\"", ["node", "x"]),
        ("tmux set -g default-command 'node x'", ["node", "x"]),
        ("tmux send-keys -t a 'node x' Enter", ["node", "x"]),
        ("tmux send-keys C-c 'no' 'de' Space x C-m", ["node", "x"]),
        ("tmux send-keys -H 6e 6f 64 65 20 78 0d", ["node", "x"]),
        ("screen -dmS name node x", ["node", "x"]),
        ("screen -S name -X stuff 'node x\\n'", ["node", "x"]),
        ("screen -X exec '!..|' node x", ["node", "x"]),
        ("screen -X eval 'screen -t a node x'", ["node", "x"]),
        ("start-stop-daemon --start -b --exec /bin/node -- x", ["/bin/node", "x"]),
        ("start-stop-daemon -Sbx /bin/node -- x", ["/bin/node", "x"]),
        ("cpulimit -l 50 -- node x", ["node", "x"]),
        ("cpulimit --limit=50 -f node x", ["node", "x"]),
        ("sed '1e node x' f", ["node", "x"]),
        ("sed f -n -e p -e '/a/,$ ! e node x'", ["node", "x"]),
        ("sed 's/e/e/g;y/e/f/;2{p;enode x' f", ["node", "x"]),
        ("declare -a 'a=($(node x))'", ["node", "x"]),
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
        "sed 's/a/node x/e' f",
        "sed -e 's,a\\,b,ls &,ge' f",
        "sed '\\|a|I s|x|y|2e' f",
        "sed 1e f",
        'sed "1e $x" f',
        'tmux new -d "$x"',
        'screen -X stuff "$x"',
        "bash --rcfile <(curl u) -i",
        'echo "${x@P}"',
        "y=${x@P}",
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
        "sed 's/a/e/' f",
        "sed -e s/e/e/g -e s,a/b,else, f",
        "sed '1i else' f",
        "sed -n '/1e make/p' f",
        "sed 's/a\\/b/e/;r else\n$d' f",
        "sed --sandbox 1e f",
        'sed "s/a/$x/" f',
        "tmux new -d -s work",
        "tmux send-keys -t a C-c",
        "tmux attach -t work",
        "tmux capture-pane -t a -p",
        "screen -r work",
        "screen -ls",
        "start-stop-daemon --stop --exec x",
        "declare -a a=(b)",
        'echo "${x@Q}"',
        "echo '${x@P}'",
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
        "tmux",
        "tmux new -s",
        "tmux send-keys",
        "tmux ';' ';'",
        "tmux if-shell true 'a \"'",
        "screen -X",
        "screen -X eval ''",
        "start-stop-daemon -x",
        "cpulimit -l",
        "sed",
        "sed s",
        "sed s/a",
        "sed 'y/a'",
        "sed '\\'",
        "bash --rcfile",
    ],
)
def test_missing_words_harm_nobody(line: str, deciding: LineReader) -> None:
    assert deciding.read(line).commands[0].argv


@pytest.mark.parametrize(
    ("argv", "entry"),
    [
        (["bash", "-c", "rm x; y"], "rm x; y"),
        (["/bin/sh", "-c", "rm x"], "rm x"),
        (["/usr/bin/bash", "-lc", "rm x"], "rm x"),
        (["bash", "-c", "rm $1", "a", "b"], "bash -c 'rm $1' a b"),
        (["bash", "-xc", "rm"], "bash -xc rm"),
        (["python3", "-c", "x"], "python3 -c x"),
    ],
)
def test_what_is_asked_of_a_shell_is_its_text(
    argv: list[str], entry: str, deciding: LineReader
) -> None:
    assert deciding.read_argv(argv).entry == entry


def test_split_words_stand_in_the_line_they_are_spelled_as(deciding: LineReader) -> None:
    """So that another command can take the place of one of them."""
    line = deciding.read_argv(["sudo", "npm", "i", "a b", "\udce9'"])
    data = line.text.encode("utf-8", "surrogateescape")
    words = [[data[slice(*word.span)] for word in each.argv if word.span] for each in line.commands]
    assert words[1] == [b"npm", b"i", b"'a b'", b"'\xe9'\"'\"''"]
    assert words[0] == [b"sudo", *words[1]]
    assert line.commands[1].span == (5, len(data))


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


@pytest.mark.parametrize(
    "words",
    [
        ["bash", "-c", "-x", "git push --force"],
        ["bash", "-c", "--", "git push --force"],
        ["bash", "-xc", "git push --force"],
        ["bash", "+x", "-c", "git push --force"],
        ["sh", "-ec", "git push --force"],
        ["bash", "-c", "+x", "-o", "pipefail", "git push --force"],
        ["bash", "-co", "pipefail", "git push --force"],
        ["tmux", "new", "-d", "git push --force"],
        ["sed", "1e git push --force", "f"],
    ],
)
def test_split_words_of_a_shell_show_its_command(words: list[str], deciding: LineReader) -> None:
    last = deciding.read_argv(words).commands[-1]
    assert [word.text for word in last.argv] == ["git", "push", "--force"]
