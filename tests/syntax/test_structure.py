"""Where in a line a command stands: inside, within, pipe, span."""

from __future__ import annotations

import pytest

from cash.syntax.line import LineReader

Found = tuple[list[str], tuple[str, ...], int | None, tuple[int, int] | None]


def found(line: str, reader: LineReader, *, entry: bool = True) -> list[Found]:
    read = reader.read(line, entry=entry)
    assert read.trouble is None, read.trouble
    return [
        ([word.text for word in each.argv], each.inside, each.within, each.pipe)
        for each in read.commands
    ]


CASES: list[tuple[str, list[Found]]] = [
    ("a && b || c; d & e", [(["a"], (), None, None), (["b"], (), None, None),
                            (["c"], (), None, None), (["d"], (), None, None),
                            (["e"], (), None, None)]),
    ("a | b |& c", [(["a"], ("pipeline",), None, (0, 0)), (["b"], ("pipeline",), None, (0, 1)),
                    (["c"], ("pipeline",), None, (0, 2))]),
    ("a | b; c | d", [(["a"], ("pipeline",), None, (0, 0)), (["b"], ("pipeline",), None, (0, 1)),
                      (["c"], ("pipeline",), None, (1, 0)), (["d"], ("pipeline",), None, (1, 1))]),
    ("a | { b | c; } | d", [(["a"], ("pipeline",), None, (0, 0)),
                            (["b"], ("pipeline", "pipeline"), None, (0, 1)),
                            (["c"], ("pipeline", "pipeline"), None, (0, 2)),
                            (["d"], ("pipeline",), None, (0, 3))]),
    ("a $(b)", [(["a", "$(b)"], (), None, None), (["b"], ("substitution",), 0, None)]),
    ("a <(b | c)", [(["a", "<(b | c)"], (), None, None),
                    (["b"], ("process substitution", "pipeline"), 0, (0, 0)),
                    (["c"], ("process substitution", "pipeline"), 0, (0, 1))]),
    ("(a)", [(["a"], ("subshell",), None, None)]),
    ("if a; then b; else c; fi", [(["a"], ("if",), None, None), (["b"], ("if",), None, None),
                                  (["c"], ("if",), None, None)]),
    ("while a; do b; done", [(["a"], ("while",), None, None), (["b"], ("while",), None, None)]),
    ("until a; do b; done", [(["a"], ("until",), None, None), (["b"], ("until",), None, None)]),
    ("for x in $(a); do b; done", [(["a"], ("for", "substitution"), None, None),
                                   (["b"], ("for",), None, None)]),
    ("select x in y; do b; done", [(["b"], ("select",), None, None)]),
    ("case $(a) in b) c;; esac", [(["a"], ("case", "substitution"), None, None),
                                  (["c"], ("case",), None, None)]),
    ("f() { a; }", [(["a"], ("function f",), None, None)]),
    ("time a | b", [(["a"], ("time", "pipeline"), None, (0, 0)),
                    (["b"], ("time", "pipeline"), None, (0, 1))]),
    ("coproc N { a; }", [(["a"], ("coproc",), None, None)]),
    ("a <<E\n$(b)\nE", [(["a"], (), None, None), (["b"], ("heredoc", "substitution"), 0, None)]),
    ("sudo a", [(["sudo", "a"], (), None, None), (["a"], ("sudo",), 0, None)]),
    ("x | sudo sh", [(["x"], ("pipeline",), None, (0, 0)),
                     (["sudo", "sh"], ("pipeline",), None, (0, 1)),
                     (["sh"], ("pipeline", "sudo"), 1, (0, 1)),
                     (["standard input"], ("pipeline", "sudo", "sh input"), 2, (0, 1))]),
    ("bash -c 'a | b'", [(["bash", "-c", "a | b"], (), None, None),
                         (["a"], ("bash -c", "pipeline"), 0, (0, 0)),
                         (["b"], ("bash -c", "pipeline"), 0, (0, 1))]),
    ("trap 'a' EXIT", [(["trap", "a", "EXIT"], (), None, None), (["a"], ("trap",), 0, None)]),
]  # fmt: skip


@pytest.mark.parametrize(("line", "expected"), CASES)
def test_places(line: str, expected: list[Found], deciding: LineReader) -> None:
    assert found(line, deciding) == expected


@pytest.mark.parametrize(("line", "expected"), CASES)
def test_tree_sitter_alone_says_the_same(
    line: str, expected: list[Found], deciding: LineReader
) -> None:
    assert found(line, deciding, entry=False) == expected


def test_what_is_wrapped_stands_where_it_is_written(deciding: LineReader) -> None:
    text = "sudo -u bob env A=1 npm install x >log"
    spans = [each.span for each in deciding.read(text).commands]
    assert [text[slice(*span)] for span in spans if span] == [
        "sudo -u bob env A=1 npm install x >log",
        "env A=1 npm install x",
        "npm install x",
    ]


@pytest.mark.parametrize(
    ("begins", "ends"),
    [("a", ""), ("a 'x'", ""), ("x=1 a", ""), ("export x", ""), ("a >f", ""), ("a <<<x", ""),
     ("a # x", ""), ("a $(b)", ""), ("a `b`", ""), ("{ a", "\n}"), ("if a; then b", "\nfi"),
     ("f() { a", "\n}"), ("x=$(a", "\n)"), ("case x in y) a", "\n;; esac"), ("a |", ""),
     ("a \"\n\\b\"", ""), ("cat <<E\n\\b\nE", "")],
)  # fmt: skip
@pytest.mark.parametrize(
    ("lead", "first"),
    [("\\r", "rm"), ("\\\\r", "\\rm"), ("\\\nr", "rm"), ("\n\\r", "rm"), ("\\ r", " rm"),
     ("\\'r", "'rm"), ("\\\n\\\n\\r", "rm"), ("\\`r", "`rm"), ("\\é", "ém")],
)  # fmt: skip
def test_a_line_that_begins_with_a_backslash_is_a_command_of_its_own(
    begins: str, ends: str, lead: str, first: str, deciding: LineReader
) -> None:
    text = f"{begins}\n{lead}m x{ends}"
    line = deciding.read(text)
    assert line.trouble is None
    assert [first, "x"] in [[word.text for word in each.argv] for each in line.commands]
    nested = deciding.read(text, entry=False)
    assert [each.argv for each in nested.commands] == [each.argv for each in line.commands]


@pytest.mark.parametrize(
    "line", ["bash -c 'npm install'", "echo x | xargs npm", "eval 'npm install'"]
)
def test_what_stands_nowhere_has_no_span(line: str, deciding: LineReader) -> None:
    last = deciding.read(line).commands[-1]
    assert last.name == "npm"
    assert last.span is None
    assert all(word.span is None for word in last.argv[1:])


def test_a_remote_command_names_its_host(deciding: LineReader) -> None:
    line = deciding.read("ssh -p 22 bob@host 'cd x && sudo rm y'")
    assert [(each.argv[0].text, each.remote) for each in line.commands] == [
        ("ssh", None),
        ("cd", "bob@host"),
        ("sudo", "bob@host"),
        ("rm", "bob@host"),
    ]
