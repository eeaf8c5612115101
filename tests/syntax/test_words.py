"""Words: quotes removed, expansions marked, braces expanded."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from cash.syntax.command import Expansion
from cash.syntax.line import LineReader

PARAMETER, GLOB, TILDE = "parameter", "glob", "tilde"


@pytest.mark.parametrize(
    "word",
    [
        "plain",
        "'single quoted'",
        '"double quoted"',
        "''",
        '""',
        "a'b'c\"d\"e",
        "\\a\\ \\'",
        '"\\$ \\` \\" \\\\ \\a"',
        "'\\'",
        "$'a\\tb\\n\\x41\\101\\u00e9\\'\\\\'",
        "$'a\\0b'",
        '$"locale"',
        "a\\\nb",
        '"a\\\nb"',
        "/{etc,usr}/x",
        "{a,b}{1,2}",
        "a{b,c{d,e}}f",
        "{1..3}",
        "{3..1}",
        "{01..10..3}",
        "{a..e..2}",
        "{-1..1}",
        "{a}",
        "{}",
        "{,x}",
        "{a,}",
        "a{b",
        "a}b{c",
        "{a,b",
        "x{'a,b',c}",
        '{"a b",c}',
        "{a\\,b,c}",
        "'{a,b}'",
        "\\{a,b}",
        "a=b",
        "a={b,c}",
        "--x={1,2}",
        "é",
        "\\é",
        "'日本'",
        "a#b",
        "$",
        "a$",
        '"$"',
        "a%b@c:d,e+f",
        "[",
        "]",
        "!",
        "!x",
        "{x..y",
        "{1..a}",
        "{1..3..0}",
        "{{a,b},c}",
        "a,b",
        "..",
        "^a^b",
    ],
)
def test_a_literal_word_is_what_bash_makes_of_it(
    word: str, deciding: LineReader, tmp_path: Path
) -> None:
    text = f"printf '%s\\0' {word}"
    line = deciding.read(text)
    assert line.trouble is None
    assert all(one.literal for one in line.commands[0].argv)
    said = subprocess.run(["bash", "-c", text], capture_output=True, check=True, cwd=tmp_path)
    expected = said.stdout.decode("utf-8", "surrogateescape").split("\0")[:-1]
    assert [one.text for one in line.commands[0].argv[2:]] == expected


@pytest.mark.parametrize(
    ("word", "parts"),
    [
        ("$x", (Expansion(PARAMETER, "$x", "x"),)),
        ('"$x"', (Expansion(PARAMETER, "$x", "x"),)),
        ("a${x}b", ("a", Expansion(PARAMETER, "${x}", "x"), "b")),
        ("${x:-y}", (Expansion(PARAMETER, "${x:-y}", "x"),)),
        ("${x[1]}", (Expansion(PARAMETER, "${x[1]}", "x"),)),
        ("$1$@", (Expansion(PARAMETER, "$1", "1"), Expansion(PARAMETER, "$@", "@"))),
        ("/tmp/$$", ("/tmp/", Expansion(PARAMETER, "$$", "$"))),
        ("$(ls)", (Expansion("command", "$(ls)"),)),
        ("`ls`", (Expansion("command", "`ls`"),)),
        ("$((1+1))", (Expansion("arithmetic", "$((1+1))"),)),
        ("<(ls)", (Expansion("process", "<(ls)"),)),
        ("*.c", (Expansion(GLOB, "*"), ".c")),
        ("a?[b-d]", ("a", Expansion(GLOB, "?"), Expansion(GLOB, "[b-d]"))),
        ('[a"b"]', (Expansion(GLOB, "["), "ab]")),
        ("'*'\"?\"\\*", ("*?*",)),
        ("~", (Expansion(TILDE, "~"),)),
        ("~/x", (Expansion(TILDE, "~"), "/x")),
        ("~bob/x", (Expansion(TILDE, "~bob", "bob"), "/x")),
        ("'~'/x", ("~/x",)),
        ("\\~/x", ("~/x",)),
        ("~'bob'", ("~bob",)),
        ("a~", ("a~",)),
        ("D=~/x", ("D=", Expansion(TILDE, "~"), "/x")),
        ("--d=~/x", ("--d=~/x",)),
        ("'$x'", ("$x",)),
        ('"\\$x"', ("$x",)),
        ("'a'$x'b'", ("a", Expansion(PARAMETER, "$x", "x"), "b")),
    ],
)
def test_what_only_bash_knows_stays_an_expansion(
    word: str, parts: tuple[object, ...], deciding: LineReader
) -> None:
    line = deciding.read(f"cmd {word}")
    assert line.trouble is None
    assert line.commands[0].argv[1].parts == parts


def test_braces_around_expansions_make_several_words(deciding: LineReader) -> None:
    line = deciding.read("rm {$a,/etc}/x")
    assert [word.parts for word in line.commands[0].argv[1:]] == [
        (Expansion(PARAMETER, "$a", "a"), "/x"),
        ("/etc/x",),
    ]


def test_too_many_braces_stay_an_expansion(deciding: LineReader) -> None:
    word = deciding.read("echo {1..100000}").commands[0].argv[1]
    assert word.parts == (Expansion("brace", "{1..100000}"),)


def test_spans_are_byte_offsets(deciding: LineReader) -> None:
    text = "échø 'ü' && rm \"ß\"*"
    line = deciding.read(text)
    data = text.encode()
    for command in line.commands:
        for word in command.argv:
            assert word.span is not None
            assert data[slice(*word.span)].decode() == word.source
    last = line.commands[-1]
    assert last.span is not None
    assert data[slice(*last.span)].decode() == 'rm "ß"*'


def test_assignments(deciding: LineReader) -> None:
    line = deciding.read("A=1 B+=$x C=~/a:~b D='q r' E= F[2]=x cmd")
    assert [(one.name, one.append, one.value.parts) for one in line.commands[0].assignments] == [
        ("A", False, ("1",)),
        ("B", True, (Expansion(PARAMETER, "$x", "x"),)),
        ("C", False, (Expansion(TILDE, "~"), "/a:", Expansion(TILDE, "~b", "b"))),
        ("D", False, ("q r",)),
        ("E", False, ("",)),
        ("F[2]", False, ("x",)),
    ]


def test_redirects(deciding: LineReader) -> None:
    text = (
        'cmd <in >out >>"log $x" 2>&1 2>|err &>all {fd}<>both <<<"a b" <<-END x\n\tbody $y\n\tEND\n'
    )
    line = deciding.read(text)
    assert line.trouble is None
    assert [
        (one.fd, one.operator, one.target.text, one.body) for one in line.commands[0].redirects
    ] == [
        ("", "<", "in", None),
        ("", ">", "out", None),
        ("", ">>", "log $x", None),
        ("2", ">&", "1", None),
        ("2", ">|", "err", None),
        ("", "&>", "all", None),
        ("{fd}", "<>", "both", None),
        ("", "<<<", "a b", None),
        ("", "<<-", "END", "body $y\n"),
    ]
    assert [word.text for word in line.commands[0].argv] == ["cmd", "x"]


def test_the_redirects_of_a_compound_command_are_a_command_of_their_own(
    deciding: LineReader,
) -> None:
    line = deciding.read("while read x; do echo $x; done < in > out")
    bare = line.commands[0]
    assert bare.argv == ()
    assert [(one.operator, one.target.text) for one in bare.redirects] == [
        ("<", "in"),
        (">", "out"),
    ]
