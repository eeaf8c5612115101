"""What a command starts besides itself: the command behind sudo, the text behind `bash -c`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from cash.syntax.command import Assignment, Command, Expansion, Word
from cash.syntax.options import parse_options, rest_of
from cash.syntax.scan import substitutions_in
from cash.syntax.word import literal_word
from cash.syntax.wrappers import (
    OTHER_SHELLS,
    SHELLS,
    SSH_FLAGS,
    SSH_VALUED,
    WRAPPERS,
    Wrapper,
)

Part = str | Expansion


@dataclass(frozen=True, slots=True)
class Starts:
    """Another command, by its words."""

    argv: tuple[Word, ...]
    label: str
    assignments: tuple[Assignment, ...] = ()
    remote: str | None = None


@dataclass(frozen=True, slots=True)
class Reads:
    """Shell text. arguments: its $0, $1, … foreign: not quite bash, so it stays partly unknown.
    quotes: what is unknown in it is put in quoted, so it cannot be more than a word."""

    parts: tuple[Part, ...]
    label: str
    arguments: tuple[Word, ...] = ()
    remote: str | None = None
    foreign: bool = False
    quotes: bool = False


@dataclass(frozen=True, slots=True)
class Listens:
    """Shell text from a file of the command's own: its standard input, or a process
    substitution's output (source)."""

    label: str
    source: Expansion | None = None
    remote: str | None = None
    foreign: bool = False


Launch = Starts | Reads | Listens
_STDIN = frozenset({"-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"})
_GIVEN = Word((Expansion("unknown", "…"),), "…")
_BRACES = Word((Expansion("unknown", "{}"),), "{}")


def launches_of(command: Command) -> Iterator[Launch]:
    """Everything the command's words start."""
    name = command.name
    if name is None:
        return
    base = name.rpartition("/")[2]
    find = _SPECIAL.get(base)
    if find is not None:
        yield from find(base, command.argv)
    elif base in SHELLS or base in OTHER_SHELLS:
        yield from _shell(base, command.argv)
    elif base in WRAPPERS:
        yield from _wrapper(base, WRAPPERS[base], command.argv)
    elif base.startswith("ld-linux") or base in ("ld.so", "ld-musl-x86_64.so.1"):
        yield from _wrapper(base, Wrapper(long=("--library-path", "--preload")), command.argv)


# ------------------------------------------------------------------ plain wrappers


def _wrapper(name: str, wrapper: Wrapper, argv: Sequence[Word]) -> Iterator[Launch]:
    options = parse_options(argv, 1, wrapper.valued, wrapper.flags, wrapper.long)
    texts = options.values(*wrapper.text)
    yield from (Reads(text.parts, name) for text in texts)
    if options.has(*wrapper.ends):
        return
    first = options.first
    if name == "env" and first < len(argv) and argv[first].text == "-":
        first += 1
    yield from _behind(name, wrapper, argv, first, listens=wrapper.shell and not texts)
    for doubt in options.doubts:
        yield from _behind(name, wrapper, argv, doubt, listens=False)


def _behind(
    name: str, wrapper: Wrapper, argv: Sequence[Word], first: int, *, listens: bool
) -> Iterator[Launch]:
    assignments: list[Assignment] = []
    while wrapper.assigns and first < len(argv) and (found := _assignment(argv[first])):
        assignments.append(found)
        first += 1
    rest = tuple(argv[first + wrapper.operands :])
    if rest:
        yield from _started(name, rest, tuple(assignments))
    elif listens:
        yield Listens(name)


def _started(
    name: str,
    argv: tuple[Word, ...],
    assignments: tuple[Assignment, ...] = (),
    remote: str | None = None,
) -> Iterator[Launch]:
    """The command that begins here. Where its first word is not known, that may be an option or
    vanish, and the next word be the command."""
    yield Starts(argv, name, assignments, remote)
    for index, word in enumerate(argv):
        if any(isinstance(part, str) for part in word.parts):
            if index and word.literal and not word.text.startswith("-"):
                yield Starts(argv[index:], name, assignments, remote)
            return


def _assignment(word: Word) -> Assignment | None:
    lead = word.parts[0]
    if not isinstance(lead, str) or "=" not in lead or lead.startswith("="):
        return None
    name = lead.partition("=")[0]
    return Assignment(name, rest_of(word, len(name) + 1))


def _env(name: str, argv: Sequence[Word]) -> Iterator[Launch]:
    wrapper = WRAPPERS["env"]
    options = parse_options(argv, 1, wrapper.valued, wrapper.flags, wrapper.long)
    texts = options.values("-S", "--split-string")
    if not texts:
        yield from _wrapper(name, wrapper, argv)
        return
    words = _split_env(texts[-1])
    # What -S splits is read as env's own words: options, assignments, then the command.
    yield from _env(name, (argv[0], *words, *argv[options.first :]))


def _split_env(text: Word) -> list[Word]:
    """`env -S`: like a shell's quotes, without expansion."""
    if not text.literal:
        return [Word(text.parts, text.source)]
    import shlex

    try:
        return [literal_word(word) for word in shlex.split(text.text.replace("\\_", " "))]
    except ValueError:
        return [Word((Expansion("unknown", text.text),), text.source)]


# ------------------------------------------------------------------ shells


def _shell(name: str, argv: Sequence[Word]) -> Iterator[Launch]:
    """bash [options] [-c TEXT [NAME [ARGUMENTS]] | FILE [ARGUMENTS]]."""
    foreign = name in OTHER_SHELLS
    index, text, stdin = _shell_options(argv)
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


def _eval(name: str, argv: Sequence[Word]) -> Iterator[Launch]:
    words = list(argv[1:])
    if words and words[0].text == "--":
        words = words[1:]
    if words:
        yield Reads(_joined(words), "eval")


def _source(name: str, argv: Sequence[Word]) -> Iterator[Launch]:
    words = [word for word in argv[1:] if word.text != "--"]
    if not words:
        return
    process = words[0].parts[0]
    if isinstance(process, Expansion) and process.kind == "process":
        yield Listens("source", process)
    elif words[0].text in _STDIN:
        yield Listens("source")


def _trap(name: str, argv: Sequence[Word]) -> Iterator[Launch]:
    words = list(argv[1:])
    if words and words[0].text == "--":
        words = words[1:]
    elif words and words[0].text.startswith("-"):
        return
    if len(words) > 1:
        yield Reads(words[0].parts, "trap")


def _alias(name: str, argv: Sequence[Word]) -> Iterator[Launch]:
    for word in argv[1:]:
        found = _assignment(word)
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


def _ssh(name: str, argv: Sequence[Word]) -> Iterator[Launch]:
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
        yield Reads(_joined(rest), "ssh", remote=host)
    elif host and not options.has("-N", "-O", "-V", "-W", "-G", "-Q"):
        yield Listens("ssh", remote=host)


# ------------------------------------------------------------------ programs that run many


def _find(name: str, argv: Sequence[Word]) -> Iterator[Launch]:
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
        words = tuple(_replaced(word, "{}") for word in argv[start:index])
        if words:
            yield Starts(words, f"find {option}")


def _fd(name: str, argv: Sequence[Word]) -> Iterator[Launch]:
    for index, word in enumerate(argv):
        if word.text in ("-x", "-X", "--exec", "--exec-batch") and argv[index + 1 :]:
            words = argv[index + 1 :]
            end = next((at for at, each in enumerate(words) if each.text == ";"), len(words))
            yield Starts((*(_replaced(each, "{}") for each in words[:end]), _GIVEN), name)


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
            yield from _started(name, tuple(_replaced(word, marks[-1]) for word in words))
        else:
            yield from _started(name, (*words, _GIVEN))


_PARALLEL_VALUED = "jIaCdENnLsSPi"
_PARALLEL_LONG = (
    "--jobs", "--joblog", "--results", "--delay", "--timeout", "--retries", "--tmpdir", "--colsep",
    "--sshlogin", "--arg-file", "--delimiter", "--max-args", "--max-lines", "--max-procs",
    "--max-replace-args", "--block", "--recstart", "--recend", "--workdir", "--wd", "--tagstring",
    "--halt", "--load", "--memfree", "--nice", "--env", "--basefile", "--return", "--id", "--rpl",
    "--shellquote-with", "--trc", "--sshloginfile", "--semaphorename", "--profile", "--header",
)  # fmt: skip


def _parallel(name: str, argv: Sequence[Word]) -> Iterator[Launch]:
    """GNU parallel hands the joined words to a shell; without a command the inputs are text."""
    options = parse_options(argv, 1, _PARALLEL_VALUED, "0kmqrtuvXVDhM", _PARALLEL_LONG)
    words = argv[options.first :]
    cut = next((at for at, word in enumerate(words) if word.text.startswith(":::")), len(words))
    command, inputs = words[:cut], words[cut:]
    if command:
        parts = _joined([_replaced(word, "{", "}") for word in command])
        if not any(isinstance(part, Expansion) and part.text[:1] == "{" for part in parts):
            parts = (*parts, " ", _GIVEN.parts[0])
        yield Reads(parts, name, quotes=all(word.literal for word in command))
    elif inputs and not inputs[0].text.startswith("::::"):
        yield from (Reads(word.parts, name) for word in inputs if word.text[:3] != ":::")
    else:
        yield Listens(name)


def _watch(name: str, argv: Sequence[Word]) -> Iterator[Launch]:
    wrapper = WRAPPERS["watch"]
    options = parse_options(argv, 1, wrapper.valued, wrapper.flags, wrapper.long)
    words = argv[options.first :]
    if words and options.has("-x", "--exec"):
        yield Starts(tuple(words), name)
    elif words:
        yield Reads(_joined(words), name)


def _flock(name: str, argv: Sequence[Word]) -> Iterator[Launch]:
    """flock [options] FILE (COMMAND… | -c TEXT)."""
    yield from _wrapper(name, WRAPPERS["flock"], argv)
    for index, word in enumerate(argv[:-1]):
        if index > 1 and word.text in ("-c", "--command"):
            yield Reads(argv[index + 1].parts, name)


def _script(name: str, argv: Sequence[Word]) -> Iterator[Launch]:
    """script [options] [FILE] [-- COMMAND…]; -c may stand behind the file."""
    texts = []
    for index, word in enumerate(argv[1:], start=1):
        lead = word.parts[0]
        if not isinstance(lead, str):
            continue
        if lead.startswith("--command="):
            texts.append(rest_of(word, len("--command=")))
        elif lead.startswith("-") and not lead.startswith("--") and lead.endswith("c"):
            texts.extend(argv[index + 1 : index + 2])
        elif lead == "--command":
            texts.extend(argv[index + 1 : index + 2])
        elif lead.startswith("-c"):
            texts.append(rest_of(word, 2))
    yield from (Reads(text.parts, "script -c") for text in texts)
    ends = [index for index, word in enumerate(argv) if word.text == "--"]
    if ends and argv[ends[0] + 1 :]:
        yield Starts(tuple(argv[ends[0] + 1 :]), name)
    elif not texts:
        yield Listens(name)


def _bwrap(name: str, argv: Sequence[Word]) -> Iterator[Launch]:
    """bubblewrap's options want from none to three values; the command is what then begins."""
    wants = {"--bind": 2, "--ro-bind": 2, "--dev-bind": 2, "--symlink": 2, "--setenv": 2,
             "--bind-try": 2, "--ro-bind-try": 2, "--dev-bind-try": 2, "--file": 2,
             "--bind-data": 2, "--ro-bind-data": 2, "--chmod": 2}  # fmt: skip
    bare = {"--unshare-all", "--share-net", "--unshare-user", "--unshare-ipc", "--unshare-pid",
            "--unshare-net", "--unshare-uts", "--unshare-cgroup", "--clearenv", "--new-session",
            "--die-with-parent", "--as-pid-1", "--unshare-user-try", "--unshare-cgroup-try",
            "--disable-userns"}  # fmt: skip
    index = 1
    while index < len(argv) and argv[index].text.startswith("--"):
        option = argv[index].text
        index += 1 if option == "--" else 1 + wants.get(option, 0 if option in bare else 1)
        if option == "--":
            break
    if argv[index:]:
        yield Starts(tuple(argv[index:]), name)


def _setarch(name: str, argv: Sequence[Word]) -> Iterator[Launch]:
    """setarch [ARCH] [options] [COMMAND…]: the architecture may be missing."""
    wrapper = WRAPPERS["setarch"]
    yield from _wrapper(name, wrapper, argv)
    if len(argv) > 2:
        yield from _wrapper(name, wrapper, argv[1:])


def _gdb(name: str, argv: Sequence[Word]) -> Iterator[Launch]:
    for index, word in enumerate(argv):
        if word.text in ("--args", "-args") and argv[index + 1 :]:
            yield Starts(tuple(argv[index + 1 :]), name)


def _texts(name: str, argv: Sequence[Word]) -> Iterator[Launch]:
    """hyperfine: every operand is shell text."""
    for word in argv[1:]:
        if not word.text.startswith("-") and (" " in word.text or not word.literal):
            yield Reads(word.parts, name)


# Builtins that evaluate a subscript of their own, although the word was quoted.
_EVALUATING = (
    "let", "[", "test", "unset", "printf", "read", "declare", "typeset", "local", "export",
    "readonly", "getopts", "wait",
)  # fmt: skip


def _arithmetic(name: str, argv: Sequence[Word]) -> Iterator[Launch]:
    """`unset 'x[$(rm y)]'` runs rm."""
    for word in argv[1:]:
        for part in word.parts:
            if isinstance(part, str) and "[" in part:
                for text in substitutions_in(part):
                    yield Reads((text,), f"{name} subscript")


# ------------------------------------------------------------------ words


def _joined(words: Sequence[Word]) -> tuple[Part, ...]:
    parts: list[Part] = []
    for word in words:
        if parts:
            parts.append(" ")
        parts.extend(word.parts)
    return tuple(parts)


def _replaced(word: Word, mark: str, closing: str = "") -> Word:
    """The word, with the marks where the program puts something in made unknown. mark: not
    empty."""
    parts: list[Part] = []
    for part in word.parts:
        if isinstance(part, Expansion) or mark not in part:
            parts.append(part)
            continue
        position = 0
        while (start := part.find(mark, position)) >= 0:
            end = start + len(mark)
            if closing:
                end = part.find(closing, end) + 1 or len(part)
            parts += [part[position:start], Expansion("unknown", part[start:end])]
            position = end
        parts.append(part[position:])
    changed = tuple(part for part in parts if part != "") or ("",)
    return word if changed == word.parts else Word(changed, word.source)


Finder = Callable[[str, Sequence[Word]], Iterator[Launch]]
_SPECIAL: dict[str, Finder] = {
    "env": _env,
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
    "find": _find,
    "gfind": _find,
    "bfs": _find,
    "fd": _fd,
    "fdfind": _fd,
    "xargs": _xargs,
    "gxargs": _xargs,
    "parallel": _parallel,
    "sem": _parallel,
    "watch": _watch,
    "flock": _flock,
    "script": _script,
    "bwrap": _bwrap,
    "gdb": _gdb,
    "hyperfine": _texts,
    "setarch": _setarch,
    **dict.fromkeys(_EVALUATING, _arithmetic),
}
