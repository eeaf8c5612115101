"""Programs that run commands in terminals or in the background: tmux, screen, daemons."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from cash.syntax.command import Word
from cash.syntax.launch import Finder, Launch, Part, Reads, Starts
from cash.syntax.options import parse_options
from cash.syntax.word import literal_word


@dataclass(frozen=True, slots=True)
class _Verb:
    """A command of tmux's own. alias: its short name. valued: options with a value. kind: what
    its operands are."""

    alias: str
    valued: str
    kind: Literal["command", "text", "if", "keys", "nested", "option"]
    operands: int = 0


_VERBS = {
    "new-session": _Verb("new", "ceFfnstxy", "command"),
    "new-window": _Verb("neww", "ceFnt", "command"),
    "split-window": _Verb("splitw", "ceFlpt", "command"),
    "respawn-pane": _Verb("respawnp", "cet", "command"),
    "respawn-window": _Verb("respawnw", "cet", "command"),
    "display-popup": _Verb("popup", "bcdehsStTwxy", "command"),
    "pipe-pane": _Verb("pipep", "t", "text"),
    "run-shell": _Verb("run", "cdt", "text"),
    "if-shell": _Verb("if", "t", "if"),
    "send-keys": _Verb("send", "Nt", "keys"),
    "bind-key": _Verb("bind", "TN", "nested", operands=1),
    "set-hook": _Verb("set-hook", "t", "nested", operands=1),
    "confirm-before": _Verb("confirm", "cpt", "nested"),
    "command-prompt": _Verb("command-prompt", "IpTt", "nested"),
    "display-menu": _Verb("menu", "bcCHsStTxy", "nested", operands=2),
    "set-option": _Verb("set", "t", "option"),
    "set-window-option": _Verb("setw", "t", "option"),
}
_ALIASES = {verb.alias: verb for verb in _VERBS.values()}
_KEY = re.compile(
    r"((C-|M-|S-|\^)+\S|Up|Down|Left|Right|Home|End|Escape|BSpace|B?Tab|DC|IC|[NP]Page|Page(Up|Down)"
    r"|F\d+)"
)
_SCREEN_VALUED, _SCREEN_FLAGS = "cehpsStT", "aAdDiIlLmnOqQrRUvxX"
_ENTER = frozenset({"enter", "c-m", "c-j", "kpenter", "^m", "^j"})


def _tmux(name: str, argv: Sequence[Word]) -> Iterator[Launch]:
    """tmux [options] [command [; command]…]."""
    options = parse_options(argv, 1, "cfLST", "2CDhlNquUvV")
    yield from (Reads(text.parts, name) for text in options.values("-c"))
    words: list[Word] = []
    for word in argv[options.first :]:
        if word.literal and word.text.endswith(";"):
            if word.text != ";":
                words.append(literal_word(word.text[:-1]))
            yield from _tmux_verb(argv[0], words)
            words = []
        else:
            words.append(word)
    yield from _tmux_verb(argv[0], words)


def _tmux_verb(program: Word, words: Sequence[Word]) -> Iterator[Launch]:
    if not words or not words[0].literal:
        return
    called = words[0].text
    # tmux takes any unique beginning of a command.
    verb = _ALIASES.get(called) or next(
        (verb for name, verb in _VERBS.items() if name.startswith(called)), None
    )
    if verb is None:
        return
    options = parse_options(words, 1, verb.valued, "aAbBCdDEFgHIjklMNnOoPqrRsuUvwXzZ")
    rest = list(words[options.first + verb.operands :])
    if options.has("-C") and verb.alias == "run":
        yield from _nested(program, rest)
    elif rest:
        yield from _operands(program, verb, rest, hexadecimal=options.has("-H"))


def _operands(
    program: Word, verb: _Verb, rest: list[Word], *, hexadecimal: bool
) -> Iterator[Launch]:
    label = f"tmux {verb.alias}"
    match verb.kind:
        case "command" if len(rest) > 1:
            yield Starts(tuple(rest), label)
        case "command" | "text":
            yield Reads(rest[0].parts, label)
        case "if":
            yield Reads(rest[0].parts, label)
            for word in rest[1:]:
                yield from _nested(program, [word])
        case "keys":
            yield Reads(_typed(rest, hexadecimal=hexadecimal), label)
        case "option":
            for index, word in enumerate(rest[:-1]):
                if word.text in ("default-command", "default-shell"):
                    yield Reads(rest[index + 1].parts, label)
        case "nested" if verb.alias in ("menu", "command-prompt"):
            for word in rest:
                yield from _nested(program, [word])
        case "nested":
            yield from _nested(program, rest)


def _nested(program: Word, words: list[Word]) -> Iterator[Launch]:
    """Another command of tmux's own, as words or as one text."""
    if len(words) == 1 and words[0].literal:
        try:
            words = [literal_word(word) for word in shlex.split(words[0].text)]
        except ValueError:
            return
    if words:
        yield Starts((program, *words), "tmux")


def _typed(keys: Sequence[Word], *, hexadecimal: bool) -> tuple[Part, ...]:
    """What `send-keys` types into a terminal, most likely into a shell."""
    parts: list[Part] = []
    for word in keys:
        if not word.literal:
            parts += word.parts
        elif hexadecimal and re.fullmatch(r"[0-9a-fA-F]{1,2}", word.text):
            parts.append(chr(int(word.text, 16)).replace("\r", "\n").replace("\0", ""))
        elif word.text.lower() in _ENTER or _KEY.fullmatch(word.text):
            parts.append("\n")
        else:
            parts.append(" " if word.text == "Space" else word.text)
    return tuple(parts)


def _screen(name: str, argv: Sequence[Word]) -> Iterator[Launch]:
    """screen [options] [COMMAND…], or -X for a command of its own."""
    options = parse_options(argv, 1, _SCREEN_VALUED, _SCREEN_FLAGS)
    yield from (Starts((shell,), name) for shell in options.values("-s"))
    rest = tuple(argv[options.first :])
    if options.has("-X"):
        yield from _screen_verb(argv[0], rest)
    elif rest and not options.has("-r", "-x", "-v"):
        yield Starts(rest, name)


def _screen_verb(program: Word, words: tuple[Word, ...]) -> Iterator[Launch]:
    match words[0].text if len(words) > 1 else "":
        case "exec" | "screen":
            # Before the command: options, and numbers or where exec's descriptors go (`!..|`).
            start = parse_options(words, 1, _SCREEN_VALUED, _SCREEN_FLAGS).first
            while start < len(words) and re.fullmatch(r"\d+|[.!|:]+", words[start].text):
                start += 1
            if words[start:]:
                yield Starts(words[start:], "screen")
        case "stuff":
            text = re.sub(r"\\(n|r|012|015)|\^[MJ]", "\n", words[-1].text)
            yield Reads((text,) if words[-1].literal else words[-1].parts, "screen stuff")
        case "eval":
            for word in words[1:]:
                yield Starts((program, literal_word("-X"), *_split(word)), "screen")
        case _:
            pass


def _split(word: Word) -> list[Word]:
    try:
        return [literal_word(each) for each in shlex.split(word.text)] if word.literal else [word]
    except ValueError:
        return [word]


def _start_stop_daemon(name: str, argv: Sequence[Word]) -> Iterator[Launch]:
    """start-stop-daemon --start --exec PROGRAM -- ARGUMENTS."""
    # A `--start` would be taken for the beginning of `--startas`.
    argv = [word for word in argv if word.text not in ("--start", "--status")]
    options = parse_options(
        argv, 1, "acdgIknNOpPrRsux", "bBCDhHiKmoqStTvV",
        ("--exec", "--startas", "--pidfile", "--name", "--user", "--group", "--signal", "--retry",
         "--chroot", "--chdir", "--nicelevel", "--procsched", "--iosched", "--umask", "--chuid",
         "--output", "--ppid", "--pid"),
    )  # fmt: skip
    programs = options.values("-a", "--startas") or options.values("-x", "--exec")
    if programs and not options.has("-K", "--stop", "-T"):
        yield Starts((programs[-1], *argv[options.first :]), name)


def _cpulimit(name: str, argv: Sequence[Word]) -> Iterator[Launch]:
    """cpulimit --limit=N [--] COMMAND…"""
    options = parse_options(
        argv, 1, "celpPs", "bdfhikmqrvz", ("--limit", "--pid", "--exe", "--path", "--signal")
    )
    for first in (options.first, *options.doubts):
        if argv[first:]:
            yield Starts(tuple(argv[first:]), name)


MULTIPLEXERS: dict[str, Finder] = {
    "tmux": _tmux,
    "screen": _screen,
    "start-stop-daemon": _start_stop_daemon,
    "cpulimit": _cpulimit,
}
