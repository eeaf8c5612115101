"""Secrets that a command's words carry: behind an option, as NAME=value, on standard input."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from cash.store.redaction.flags import LAST_WORD, NAMES_ONLY, PROGRAMS, READS_SECRET, Option
from cash.store.redaction.names import is_secret, is_stand_in, judge_name
from cash.store.redaction.words import QUOTED, Word, open_quotes, split_line, strip_quotes

_DEEPEST = 6

_OPTION = re.compile(r"(--?[A-Za-z][\w.-]*)(?:=(.*))?", re.DOTALL)
_ASSIGNMENT = re.compile(r"([A-Za-z_][\w.\[\]-]*)\+?=(.+)", re.DOTALL)
# NAME=value somewhere in a word; what looks like the next pair ends the value.
# Not possessive: Python before 3.11.5 ends such a group early (gh-101955), and Debian 12 has one.
_PAIR = re.compile(r"(?<!\w)([A-Za-z_][\w.-]{0,100})=((?:(?![,;&][\w.-]{1,100}=)[^\s\"'`])+)")
_DEFAULT = re.compile(r"\$\{([A-Za-z_]\w{0,100})(:?[-=])([^}]{1,256})\}")
_RUNS = re.compile(r"-[a-z]*c|eval")
_SETS = frozenset(("set", "config", "configure", "setx"))
_SPEAKERS = frozenset(("echo", "printf", "print"))


@dataclass(slots=True)
class _Command:
    """One command's words on their way. quoted: they are bash text with its quotes, else argv,
    where they are the values themselves. made: the words without their secrets so far.
    seen: the words so far; options, names_only: of the programs among them, whatever stands
    before those (sudo, docker exec, ssh HOST)."""

    raws: Sequence[str]
    before: Sequence[str]
    quoted: bool
    depth: int
    values: list[str] = field(default_factory=list)
    made: list[str] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    options: list[Option] = field(default_factory=list)
    names_only: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.values = [strip_quotes(raw) if self.quoted else raw for raw in self.raws]
        self.made = list(self.raws)

    def hide(self, index: int, kind: str, start: int = 0) -> None:
        """Hides the word's value from `start` on, unless it only stands for a secret."""
        value = self.values[index]
        if is_stand_in(value[start:]):
            return
        opening, inside, closing = self._open(self.raws[index])
        if inside.startswith(value[:start]):
            inner, _, outer = self._open(inside[start:])
            shown = f"{opening}{value[:start]}{inner}[redacted:{kind}]{outer}{closing}"
        else:  # quotes in the middle of what is shown
            shown = f"{value[:start]}[redacted:{kind}]"
        self.made[index] = shown

    def hide_behind(self, index: int, option: Option, start: int = 0) -> None:
        """hide, from where the option's secret starts in the word behind `start`."""
        found = self.values[index].find(option.behind, start)
        if found >= 0:
            self.hide(index, option.kind, found + len(option.behind))

    def note(self, value: str) -> None:
        """The word is behind those that follow."""
        program = value.rpartition("/")[2]
        if program not in self.seen:
            self.options += PROGRAMS.get(program, ())
            self.names_only += NAMES_ONLY.get(program, ())
        self.seen |= {value, program}

    def _open(self, raw: str) -> tuple[str, str, str]:
        return open_quotes(raw) if self.quoted else ("", raw, "")


def redact_line(text: str, depth: int = 0) -> str:
    """The text, read as bash, without the secrets that its commands carry."""
    if depth > _DEEPEST:
        return text
    segments = split_line(text)
    commands = []
    for segment in segments:
        raws, before = [word.raw for word in segment], [word.before for word in segment]
        commands.append(_redact_command(_Command(raws, before, quoted=True, depth=depth)))
    for command, following in pairwise(commands):
        if following.before[0] in ("|", "|&") and _reads_secret(following):
            _redact_said(command)
    return _join(text, segments, commands)


def redact_words(argv: Sequence[str]) -> list[str]:
    """The same for words that are split already."""
    return _redact_command(_Command(argv, [""] * len(argv), quoted=False, depth=0)).made


def _join(text: str, segments: Sequence[list[Word]], commands: Sequence[_Command]) -> str:
    parts, end = [], 0
    for segment, command in zip(segments, commands, strict=True):
        for word, made in zip(segment, command.made, strict=True):
            if made != word.raw:
                parts += [text[end : word.start], made]
                end = word.end
    return "".join((*parts, text[end:]))


def _redact_command(command: _Command) -> _Command:
    pending: Option | None = None
    for index, value in enumerate(command.values):
        if pending is not None and not _looks_like_option(value):
            command.hide_behind(index, pending)
            pending = None
        else:
            pending = _redact_word(command, index)
        command.note(value)
    _redact_last(command)
    if "<<<" in command.before and _reads_secret(command):
        command.hide(command.before.index("<<<"), "password")
    return command


def _looks_like_option(value: str) -> bool:
    # `--password --verbose` asks for it. A secret may start with a dash all the same.
    return re.fullmatch(r"-[A-Za-z]|--[a-z][a-z-]+(?:=.*)?", value) is not None


def _redact_word(command: _Command, index: int) -> Option | None:
    """Redacts one word; an option whose value, a secret, is the next word is returned."""
    value = command.values[index]
    known = _known_option(command, index)
    if known is not None:
        if len(value) == len(known.flag) or (known.form == "cluster" and value[1] != known.flag[1]):
            return None if known.form == "attached" else known
        long = len(known.flag) > 2 and value[len(known.flag)] == "="
        command.hide_behind(index, known, len(known.flag) + long)
        return None
    if value.startswith("-") and (found := _OPTION.fullmatch(value)):
        name, attached = found.groups()
        if name in command.names_only:
            return None
        following = attached if attached is not None else _following(command, index)
        kind = is_secret(name.lstrip("-"), following) if _is_name(name) else ""
        if kind and attached is not None:
            command.hide(index, kind, len(name) + 1)
            return None
        if kind:
            return Option(name, kind)
    elif (found := _ASSIGNMENT.fullmatch(value)) and not _is_script(command, index):
        if kind := is_secret(found.group(1), found.group(2)):
            command.hide(index, kind, value.index("=") + 1)
            return None
    elif not _SETS.isdisjoint(command.seen) and judge_name(value)[1]:
        # `git config x.token VALUE`, `aws configure set aws_secret_access_key VALUE`
        kind = is_secret(value, _following(command, index))
        return Option(value, kind) if kind else None
    command.made[index] = _redact_inside(command, index)
    return None


def _is_name(option: str) -> bool:
    # `-storepass` is one, `-abc` most likely three letters.
    return option.startswith("--") or len(option) > 4


def _is_script(command: _Command, index: int) -> bool:
    """Whether the word is a command line of its own, for `bash -c` or ssh."""
    return "ssh" in command.seen or (
        index > 0 and _RUNS.fullmatch(command.values[index - 1]) is not None
    )


def _following(command: _Command, index: int) -> str:
    return command.values[index + 1] if index + 1 < len(command.values) else ""


def _known_option(command: _Command, index: int) -> Option | None:
    value = command.values[index]
    for option in command.options:
        if option.when and option.when not in command.seen:
            continue
        if value == option.flag:
            return option
        joined = option.flag if len(option.flag) <= 3 else option.flag + "="
        if option.form in ("either", "attached", "cluster") and value.startswith(joined):
            return option
        if option.form == "cluster" and re.fullmatch(rf"-[A-Za-z]+{option.flag[1]}", value):
            return option
    return None


def _redact_inside(command: _Command, index: int) -> str:
    """A word that is no option and no assignment: what is quoted may be a line of its own."""
    raw, depth = command.raws[index], command.depth + 1
    if not command.quoted:
        return redact_line(raw, depth) if _is_line(raw) else _redact_pairs(raw)
    parts, end = [], 0
    for found in QUOTED.finditer(raw):
        opening, inside, closing = open_quotes(found.group())
        inside = redact_line(inside, depth) if _is_line(inside) else _redact_pairs(inside)
        parts += [_redact_pairs(raw[end : found.start()]), opening, inside, closing]
        end = found.end()
    return "".join((*parts, _redact_pairs(raw[end:])))


def _is_line(text: str) -> bool:
    return any(one in text for one in " \n\t;&|'\"(")


def _redact_pairs(text: str, depth: int = 0) -> str:
    if depth > _DEEPEST or ("=" not in text and "${" not in text):
        return text

    def hide_pair(found: re.Match[str]) -> str:
        name, value = found.groups()
        kind = is_secret(name, value)
        # What is no secret may hold another pair: `s/password=.*/password=…/`, `a=token=…`.
        return f"{name}=[redacted:{kind}]" if kind else f"{name}={_redact_pairs(value, depth + 1)}"

    return _DEFAULT.sub(_hide_default, _PAIR.sub(hide_pair, text))


def _hide_default(found: re.Match[str]) -> str:
    name, operator, value = found.groups()
    kind = is_secret(name, value)
    return f"${{{name}{operator}[redacted:{kind}]}}" if kind else found.group()


def _redact_last(command: _Command) -> None:
    if len(command.values) < 3:
        return
    last = command.values[-1]
    for program, needed in LAST_WORD.items():
        if program not in command.seen or needed.fullmatch(last) or _NO_SECRET.match(last):
            continue
        if any(needed.fullmatch(value) for value in command.values):
            command.hide(len(command.values) - 1, "password")


# `vault login` asks; `vault login -method=github username=x` names no secret last.
_NO_SECRET = re.compile(r"-|\w+=")


def _reads_secret(command: _Command) -> bool:
    names = {value.rpartition("/")[2] for value in command.values}
    return any(
        (not program or program in names) and (not word or word in command.values)
        for program, word in READS_SECRET
    )


def _redact_said(command: _Command) -> None:
    """`echo PASSWORD | docker login --password-stdin`"""
    if not command.values or command.values[0] not in _SPEAKERS:
        return
    for index, value in enumerate(command.values[1:], start=1):
        if not value.startswith("-") and not re.fullmatch(r"(?:%s|\\n)+", value):
            command.hide(index, "password")
