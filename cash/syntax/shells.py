"""Shells and the builtins that take shell text: what they are given to read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from cash.syntax.command import Expansion, Word
from cash.syntax.launch import Finder, Launch, Listens, Reads, Starts, assignment_of, joined
from cash.syntax.options import parse_options, rest_of
from cash.syntax.scan import substitutions_in
from cash.syntax.wrappers import OTHER_SHELLS, SSH_FLAGS, SSH_VALUED

_STDIN = frozenset({"-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"})


# Builtins that evaluate a subscript of their own, although the word was quoted.
_EVALUATING = (
    "let", "[", "test", "unset", "printf", "read", "declare", "typeset", "local", "export",
    "readonly", "getopts", "wait",
)  # fmt: skip

_DECLARING = frozenset({"declare", "typeset", "local", "readonly", "export"})


def shell_launches(name: str, argv: Sequence[Word]) -> Iterator[Launch]:
    """bash [options] [-c TEXT [NAME [ARGUMENTS]] | FILE [ARGUMENTS]]."""
    foreign = name in OTHER_SHELLS
    index, text, stdin = _shell_options(argv)
    for startup, word in pairwise(argv[:index]):
        process = word.parts[0]
        if startup.text in ("--rcfile", "--init-file") and isinstance(process, Expansion):
            yield Listens(name, process, foreign=foreign)
    if text and index < len(argv):
        arguments = tuple(argv[index + 1 :])
        yield Reads(argv[index].parts, f"{name} -c", arguments, foreign=foreign)
    elif index >= len(argv) or stdin or argv[index].text in _STDIN:
        yield Listens(name, foreign=foreign)
    else:
        process = argv[index].parts[0]
        if isinstance(process, Expansion) and process.kind == "process":
            yield Listens(name, process, foreign=foreign)


def _shell_options(argv: Sequence[Word]) -> tuple[int, bool, bool]:
    """Index of the first operand; whether -c and -s were given."""
    index = 1
    text = stdin = False
    while index < len(argv):
        lead = argv[index].parts[0]
        if not isinstance(lead, str) or not lead.startswith(("-", "+")) or len(lead) < 2:
            index += argv[index].text == "-"
            break
        index += 1
        if lead == "--":
            break
        if lead.startswith("--"):
            index += lead in ("--rcfile", "--init-file", "--emulate")
            text |= lead in ("--command", "--commands")
            continue
        letters = lead[1:]
        text |= "c" in letters and lead.startswith("-")
        stdin |= "s" in letters and lead.startswith("-")
        index += letters.count("o") + letters.count("O")
    return min(index, len(argv)), text, stdin


def _eval(_name: str, argv: Sequence[Word]) -> Iterator[Launch]:
    words = list(argv[1:])
    if words and words[0].text == "--":
        words = words[1:]
    if words:
        yield Reads(joined(words), "eval")


def _source(_name: str, argv: Sequence[Word]) -> Iterator[Launch]:
    words = [word for word in argv[1:] if word.text != "--"]
    if not words:
        return
    process = words[0].parts[0]
    if isinstance(process, Expansion) and process.kind == "process":
        yield Listens("source", process)
    elif words[0].text in _STDIN:
        yield Listens("source")


def _trap(_name: str, argv: Sequence[Word]) -> Iterator[Launch]:
    words = list(argv[1:])
    if words and words[0].text == "--":
        words = words[1:]
    elif words and words[0].text.startswith("-"):
        return
    if len(words) > 1:
        yield Reads(words[0].parts, "trap")


def _alias(_name: str, argv: Sequence[Word]) -> Iterator[Launch]:
    for word in argv[1:]:
        found = assignment_of(word)
        if found is not None:
            yield Reads(found.value.parts, "alias")


def _callback(name: str, argv: Sequence[Word]) -> Iterator[Launch]:
    """mapfile -C, complete -C, compgen -C, bind -x: text for later."""
    for index, word in enumerate(argv[:-1]):
        if word.text in ("-C", "-x"):
            text = argv[index + 1]
            if name == "bind" and isinstance(text.parts[0], str) and ":" in text.parts[0]:
                text = rest_of(text, text.parts[0].index(":") + 1)
            yield Reads(text.parts, name)


def _su(name: str, argv: Sequence[Word]) -> Iterator[Launch]:
    """su [options] [-] [user [arguments of the shell]]; getopt finds -c behind the user too."""
    valued = "cgGswTt"
    texts: list[Word] = []
    operands: list[Word] = []
    index = 1
    user = False
    while index < len(argv):
        if argv[index].text == "--":
            operands.extend(argv[index + 1 :])
            break
        options = parse_options(
            argv, index, valued + ("u" if name == "runuser" else ""), "fhlmpPV",
            ("--command", "--session-command", "--group", "--supp-group", "--shell", "--user"),
        )  # fmt: skip
        texts.extend(options.values("-c", "--command", "--session-command"))
        user |= options.has("-u", "--user")
        if options.first >= len(argv):
            break
        operands.append(argv[options.first])
        index = options.first + 1
    yield from (Reads(text.parts, f"{name} -c") for text in texts)
    if user and operands:
        yield Starts(tuple(operands), name)
    elif not texts:
        yield Listens(name)


def _ssh(_name: str, argv: Sequence[Word]) -> Iterator[Launch]:
    options = parse_options(argv, 1, SSH_VALUED, SSH_FLAGS)
    host = argv[options.first].text if options.first < len(argv) else ""
    more = parse_options(argv, options.first + 1, SSH_VALUED, SSH_FLAGS)
    for value in [*options.values("-o"), *more.values("-o")]:
        key, _, _ = value.text.replace(" ", "=", 1).partition("=")
        if key.strip().lower() in ("proxycommand", "localcommand", "knownhostscommand"):
            lead = value.parts[0]
            if isinstance(lead, str) and len(lead) > len(key):
                yield Reads(rest_of(value, len(key) + 1).parts, f"ssh {key.strip()}")
    rest = argv[max(options.first + 1, more.first) :]
    if rest:
        yield Reads(joined(rest), "ssh", remote=host)
    elif host and not options.has("-N", "-O", "-V", "-W", "-G", "-Q"):
        yield Listens("ssh", remote=host)


def _arithmetic(name: str, argv: Sequence[Word]) -> Iterator[Launch]:
    """`unset 'x[$(rm y)]'` runs rm, and so does `declare -a 'x=($(rm y))'`."""
    for word in argv[1:]:
        for part in word.parts:
            if isinstance(part, str) and ("[" in part or (name in _DECLARING and "=(" in part)):
                for text in substitutions_in(part):
                    yield Reads((text,), f"{name} subscript")


SHELL_TEXTS: dict[str, Finder] = {
    "eval": _eval,
    "source": _source,
    ".": _source,
    "trap": _trap,
    "alias": _alias,
    "mapfile": _callback,
    "readarray": _callback,
    "complete": _callback,
    "compgen": _callback,
    "bind": _callback,
    "su": _su,
    "runuser": _su,
    "ssh": _ssh,
    **dict.fromkeys(_EVALUATING, _arithmetic),
}
