"""What cannot be understood is trouble; what is not finished says so; nothing raises."""

from __future__ import annotations

import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cash.syntax import read, read_argv
from cash.syntax.command import Command, Line
from cash.syntax.line import LineReader
from cash.syntax.readers import READERS, Entry
from cash.syntax.reading import Reading


@pytest.mark.parametrize(
    "text",
    [
        "echo 'a",
        'echo "a',
        "echo $(a",
        "echo `a",
        "echo ${a",
        "cat <<EOF",
        "cat <<EOF\nx",
        "if a",
        "if a; then",
        "if a; then b",
        "if a; then b; else",
        "while a; do",
        "while a; do if b",
        "for i in a",
        "for i in a; do",
        "case x in",
        "case x in a)",
        "a |",
        "a &&",
        "a ||",
        "a \\",
        "a |\n",
        "{ a",
        "(a",
        "((a",
        "f() {",
        "echo $((1",
        "echo $'a",
        "a=(",
        "[[ a &&",
        "if a; then (b",
        "a && (b | c",
    ],
)
def test_an_unfinished_line_is_incomplete(text: str, deciding: LineReader) -> None:
    line = deciding.read(text)
    assert line.incomplete
    assert line.trouble is not None


@pytest.mark.parametrize(
    "text",
    [
        "fi",
        "a | | b",
        "if fi",
        ")",
        "}",
        "a ;; b",
        "&& a",
        "a >",
        "a <<<",
        "case",
        "for",
        "! !",
        "a )",
        "echo ${x!}",
        "done",
        "if a; then; fi",
    ],
)
def test_a_wrong_line_is_trouble_and_more_input_does_not_help(
    text: str, deciding: LineReader
) -> None:
    line = deciding.read(text)
    assert not line.incomplete
    assert line.trouble is not None


@pytest.mark.parametrize(
    "text", ["", " ", "\n", "# comment", "a", "a;", "a &", "echo }", "a\\\\", "echo '\\'", "a |\nb"]
)
def test_a_finished_line_is_neither(text: str, deciding: LineReader) -> None:
    line = deciding.read(text)
    assert not line.incomplete
    assert line.trouble is None


@pytest.mark.parametrize("entry", [True, False])
@pytest.mark.parametrize(
    "text",
    [
        "$(" * 150 + "a" + ")" * 150,
        "(" * 5000,
        "( " * 150 + "a" + " )" * 150,
        "{ " * 3000,
        "if a; then " * 150 + "b" + "; fi" * 150,
        "`" * 999,
        "a" * 70_000,
        "x" * 1_000_000,
        "echo " + "é" * 40_000,
        "a\0b",
        "\0" * 10,
        "${x:-" * 200 + "}" * 200,
        "'" * 1001,
        "echo `a` " * 7000,
        "time a; " * 8000,
        "cat <<E\nx\nE\n" * 5000,
        "sh; " * 16_000,
        "echo a | sh; " * 5000,
        "eval a; " * 8000,
        "sudo " * 10_000,
        "echo \ud800",
        "{" * 20_000,
        "{a," * 5000,
        "[" * 5000,
        "\\" * 60_001,
        "<<A " * 200,
        "((" * 500,
        "\n)\n",
        "echo " + "$((" * 120 + "1" + "))" * 120,
    ],
)
@pytest.mark.alone
def test_too_much_is_trouble_at_once(text: str, entry: bool, deciding: LineReader) -> None:
    before = time.monotonic()
    assert deciding.read(text, entry=entry).trouble is not None
    assert time.monotonic() - before < 3


@pytest.mark.parametrize(
    "text",
    [
        "a && " * 100 + "b",
        "a; " * 2000,
        "a | " * 50 + "b",
        "echo " + "x " * 5000,
        "((1))",
        "cat <<EOF\n" + "x y 'z\n" * 5000 + "EOF",
        "$(" * 20 + "a" + ")" * 20,
    ],
)
def test_much_is_no_trouble(text: str, deciding: LineReader) -> None:
    assert deciding.read(text).trouble is None


def test_a_long_list_is_understood_or_asked_about(deciding: LineReader) -> None:
    line = deciding.read("a && " * 5000 + "rm x")
    assert line.trouble is not None or line.commands[-1].name == "rm"


class _Fixed:
    """A reader that always says the same."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    def read(self, source: bytes, deadline: float) -> Reading:
        return self._reading

    def prepare(self) -> None: ...

    def close(self) -> None: ...


def with_second(reading: Reading, *, decides: bool = True) -> LineReader:
    first = READERS[0]
    return LineReader([first, Entry("second", decides, False, lambda: _Fixed(reading))])


RM = next(iter(READERS[0].open().read(b"rm x", 0.0).commands))  # type: ignore[union-attr]


def test_a_disagreement_is_trouble_and_both_are_kept() -> None:
    line = with_second(Reading((RM,))).read("ls")
    assert line.trouble == "the readers disagree"
    assert {each.name for each in line.commands} == {"ls", "rm"}


def test_a_failure_is_trouble_and_what_the_other_found_is_kept() -> None:
    line = with_second(Reading((), "no idea")).read("rm x")
    assert line.trouble == "second: no idea"
    assert [each.name for each in line.commands] == ["rm"]
    assert line.readers == {"tree-sitter": "ok", "second": "no idea"}


def test_a_third_reader_only_adds() -> None:
    added = with_second(Reading((RM,)), decides=False).read("ls $x")
    assert added.trouble is None
    assert [each.name for each in added.commands] == ["ls", "rm"]
    failed = with_second(Reading((), "no idea"), decides=False).read("ls $x")
    assert failed.trouble is None


def test_a_third_reader_is_not_believed_inside_a_literal_word() -> None:
    inner = Command(RM.argv, span=(6, 10))
    line = with_second(Reading((inner,)), decides=False).read("echo '$(rm x)'")
    assert [each.name for each in line.commands] == ["echo"]


def test_shfmt_missing_is_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cash.syntax.shfmt_process.find_shfmt", lambda: None)
    reader = LineReader()
    assert reader.read("ls").trouble == "shfmt: shfmt is not installed"
    assert reader.read("ls", entry=False).trouble is None
    reader.close()


PIECES = st.sampled_from(
    [
        "a",
        " ",
        "'",
        '"',
        "`",
        "$(",
        "${",
        "$((",
        ")",
        "}",
        "))",
        "{",
        "(",
        "[[",
        "]]",
        "[",
        "]",
        "|",
        "&",
        ";",
        "\n",
        "<<E",
        "\nE\n",
        "<",
        ">",
        ">&",
        "<(",
        "\\",
        "$'",
        "*",
        "~",
        "{a,b}",
        "!",
        "#",
        "if ",
        "then ",
        "fi",
        "for x in ",
        "do ",
        "done",
        "case x in ",
        "esac",
        "f() ",
        "time ",
        "coproc ",
        "rm",
        "eval ",
        "sudo ",
        "bash -c ",
        "xargs -I% ",
        "env -S ",
        "é",
        "\udcff",
        "=",
        "x=",
        "<<<",
        "$x",
    ]
)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(PIECES, max_size=25).map("".join))
def test_no_line_raises(deciding: LineReader, text: str) -> None:
    for entry in (True, False):
        line = deciding.read(text, entry=entry)
        assert isinstance(line, Line)
        size = len(text.encode("utf-8", "surrogateescape"))
        for index, each in enumerate(line.commands):
            assert each.within is None or (0 <= each.within < len(line.commands))
            assert each.within != index
            assert each.span is None or 0 <= each.span[0] <= each.span[1] <= size
            assert all(word.parts for word in each.argv)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.binary(max_size=60))
def test_no_bytes_raise(reader: LineReader, data: bytes) -> None:
    assert isinstance(reader.read(data.decode("utf-8", "surrogateescape")), Line)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.text(max_size=12), max_size=6))
def test_no_words_raise(deciding: LineReader, argv: list[str]) -> None:
    assert isinstance(deciding.read_argv(argv), Line)


def test_the_functions_of_the_package() -> None:
    assert [each.name for each in read("a | b").commands] == ["a", "b"]
    assert read("a | b", entry=False).readers == {"tree-sitter": "ok"}
    assert [each.name for each in read_argv(["sudo", "a"]).commands] == ["sudo", "a"]
