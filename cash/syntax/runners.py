"""Programs that run a command for each thing they find or read: find, xargs, parallel."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cash.syntax.command import Expansion, Word
from cash.syntax.launch import GIVEN, Finder, Launch, Listens, Reads, Starts, joined, replaced
from cash.syntax.options import parse_options
from cash.syntax.wrappers import WRAPPERS
from cash.syntax.wrapping import started

_PARALLEL_VALUED = "jIaCdENnLsSPi"


_PARALLEL_LONG = (
    "--jobs", "--joblog", "--results", "--delay", "--timeout", "--retries", "--tmpdir", "--colsep",
    "--sshlogin", "--arg-file", "--delimiter", "--max-args", "--max-lines", "--max-procs",
    "--max-replace-args", "--block", "--recstart", "--recend", "--workdir", "--wd", "--tagstring",
    "--halt", "--load", "--memfree", "--nice", "--env", "--basefile", "--return", "--id", "--rpl",
    "--shellquote-with", "--trc", "--sshloginfile", "--semaphorename", "--profile", "--header",
)  # fmt: skip


def _find(_name: str, argv: Sequence[Word]) -> Iterator[Launch]:
    index = 1
    while index < len(argv):
        option = argv[index].text
        index += 1
        if option not in ("-exec", "-execdir", "-ok", "-okdir"):
            continue
        start = index
        while index < len(argv) and argv[index].text != ";":
            if argv[index].text == "+" and argv[index - 1].text == "{}":
                break
            index += 1
        words = tuple(replaced(word, "{}") for word in argv[start:index])
        if words:
            yield Starts(words, f"find {option}")


def _fd(name: str, argv: Sequence[Word]) -> Iterator[Launch]:
    for index, word in enumerate(argv):
        if word.text in ("-x", "-X", "--exec", "--exec-batch") and argv[index + 1 :]:
            words = argv[index + 1 :]
            end = next((at for at, each in enumerate(words) if each.text == ";"), len(words))
            yield Starts((*(replaced(each, "{}") for each in words[:end]), GIVEN), name)


def _xargs(name: str, argv: Sequence[Word]) -> Iterator[Launch]:
    wrapper = WRAPPERS["xargs"]
    options = parse_options(argv, 1, wrapper.valued, wrapper.flags, wrapper.long)
    marks = [value.text or "{}" for value in options.values("-I", "--replace")]
    if not marks and options.has("-i", "--replace"):
        # -i takes its mark only where it is attached.
        short = next((word.text for word in argv[1:] if word.text.startswith("-i")), "")
        marks = [short[2:] or "{}"]
    for first in (options.first, *options.doubts):
        words = tuple(argv[first:])
        if not words:
            continue
        if marks:
            yield from started(name, tuple(replaced(word, marks[-1]) for word in words))
        else:
            yield from started(name, (*words, GIVEN))


def _parallel(name: str, argv: Sequence[Word]) -> Iterator[Launch]:
    """GNU parallel hands the joined words to a shell; without a command the inputs are text."""
    options = parse_options(argv, 1, _PARALLEL_VALUED, "0kmqrtuvXVDhM", _PARALLEL_LONG)
    words = argv[options.first :]
    cut = next((at for at, word in enumerate(words) if word.text.startswith(":::")), len(words))
    command, inputs = words[:cut], words[cut:]
    if command:
        parts = joined([replaced(word, "{", "}") for word in command])
        if not any(isinstance(part, Expansion) and part.text[:1] == "{" for part in parts):
            parts = (*parts, " ", GIVEN.parts[0])
        yield Reads(parts, name, quotes=all(word.literal for word in command))
    elif inputs and not inputs[0].text.startswith("::::"):
        yield from (Reads(word.parts, name) for word in inputs if word.text[:3] != ":::")
    else:
        yield Listens(name)


def _texts(name: str, argv: Sequence[Word]) -> Iterator[Launch]:
    """hyperfine: every operand is shell text."""
    for word in argv[1:]:
        if not word.text.startswith("-") and (" " in word.text or not word.literal):
            yield Reads(word.parts, name)


RUNNERS: dict[str, Finder] = {
    "find": _find,
    "gfind": _find,
    "bfs": _find,
    "fd": _fd,
    "fdfind": _fd,
    "xargs": _xargs,
    "gxargs": _xargs,
    "parallel": _parallel,
    "sem": _parallel,
    "hyperfine": _texts,
}
