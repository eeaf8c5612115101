"""Words: quote removal, and what of a word only bash will know when it runs.

Readers turn a word into atoms (literal text, quoted text, expansions); `words_of` turns atoms
into Words: braces expanded, tildes and globs marked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cash.syntax.braces import expand_braces
from cash.syntax.command import Expansion, ExpansionKind, Word
from cash.syntax.escapes import decode_ansi_c


@dataclass(frozen=True, slots=True)
class Quoted:
    """Literal text that was quoted: no brace, tilde or glob works in it."""

    text: str


Atom = str | Quoted | Expansion


@dataclass(frozen=True, slots=True)
class Hole:
    """Where a reader found an expansion: its end in the source, its kind, the parameter."""

    end: int
    kind: ExpansionKind
    name: str = ""


class UnreadableWord(Exception):
    """The word's text and the tree around it do not fit: the reader was wrong."""


_ACTIVE = re.compile(r"[{~*?\[]")
_GLOB = re.compile(r"[*?]|\[[!^]?\]?[^\]]*\]")
_ASSIGNING = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\+?=")
_TILDE = re.compile(r"~[^/]*")
_TILDE_IN_VALUE = re.compile(r"~[^/:]*")


def words_of(
    atoms: Sequence[Atom],
    source: str,
    span: tuple[int, int] | None,
    *,
    braces: bool = True,
    globs: bool = True,
    value: bool = False,
) -> tuple[Word, ...]:
    """The Words one source word becomes: more than one where braces expand, and none of those
    that then are nothing at all (`{,rm}` is `rm`).

    value: the text is an assignment's value, where a tilde also works after a colon.
    """
    if not any(type(atom) is str and _ACTIVE.search(atom) for atom in atoms):
        return (Word(_merge(atoms), source, span),)
    alternatives = expand_braces(atoms) if braces else [list(atoms)]
    return tuple(
        Word(_merge(_mark(alternative, globs=globs, value=value)), source, span)
        for alternative in alternatives
        if alternative or len(alternatives) == 1
    )


def word_of(
    atoms: Sequence[Atom], source: str, span: tuple[int, int] | None, *, value: bool = False
) -> Word:
    """The one Word of an assignment's value (`value`) or a redirect's target."""
    return words_of(atoms, source, span, braces=False, globs=not value, value=value)[0]


_PLAIN_WORD = re.compile(rb"[A-Za-z0-9_./:@%+,=-]+")


def is_plain(source: bytes) -> bool:
    """Whether the text is its own value whatever the place: no quote, no expansion."""
    return _PLAIN_WORD.fullmatch(source) is not None


_QUOTED_WORD = re.compile(rb"'([^']*)'|\"([^\\\"$`]*)\"")


def quoted_text(source: bytes) -> bytes | None:
    """What a word says that is one quoted text without expansions and escapes; None: it is none."""
    found = _QUOTED_WORD.fullmatch(source)
    return None if found is None else found[found.lastindex or 1]


# No assignment in front.
_PLAIN_WORDS = re.compile(rb"[A-Za-z0-9_./:@%+,-]+(?: [A-Za-z0-9_./:@%+,=-]+)*")


def are_plain(source: bytes, start: int, end: int) -> bool:
    """The same of a command's words there, one blank apart."""
    return _PLAIN_WORDS.fullmatch(source, start, end) is not None


_HIDING = re.compile(rb"[$`\\()#\n]|<<")


def hides_nothing(source: bytes) -> bool:
    """Whether a text has neither substitution, escape, bracket, comment nor second line: every
    command in it stands in plain sight."""
    return _HIDING.search(source) is None


def literal_word(text: str) -> Word:
    """A Word known before running that stands nowhere in the line."""
    return Word((text,), text, None)


def _merge(atoms: Sequence[Atom]) -> tuple[str | Expansion, ...]:
    parts: list[str | Expansion] = []
    for atom in atoms:
        part = atom.text if isinstance(atom, Quoted) else atom
        if isinstance(part, str) and parts and isinstance(parts[-1], str):
            parts[-1] += part
        elif part != "":
            parts.append(part)
    return tuple(parts) or ("",)


def _mark(atoms: Sequence[Atom], *, globs: bool, value: bool) -> list[Atom]:
    marked: list[Atom] = []
    for index, atom in enumerate(atoms):
        if type(atom) is not str:
            marked.append(atom)
            continue
        last = index == len(atoms) - 1
        for piece in _mark_tildes(atom, first=index == 0, last=last, value=value):
            if isinstance(piece, str) and globs:
                marked.extend(_mark_globs(piece, atoms[index + 1 :]))
            else:
                marked.append(piece)
    return marked


def _mark_tildes(text: str, *, first: bool, last: bool, value: bool) -> list[Atom]:
    """Tilde prefixes: at the start, and in what looks like an assignment after `=` and `:`."""
    if "~" not in text:
        return [text]
    starts = [0] if first else []
    if not value and first and (found := _ASSIGNING.match(text)):
        value = True
        starts = [found.end()]
    if value:
        starts += [place.end() for place in re.finditer(":", text)]
    pieces: list[Atom] = []
    done = 0
    for start in starts:
        found = (_TILDE_IN_VALUE if value else _TILDE).match(text, start)
        # A quote or an expansion inside the prefix switches it off.
        if found is None or (found.end() == len(text) and not last):
            continue
        pieces += [text[done:start], Expansion("tilde", found.group(), found.group()[1:])]
        done = found.end()
    pieces.append(text[done:])
    return [piece for piece in pieces if piece != ""]


def _mark_globs(text: str, later: Sequence[Atom]) -> list[Atom]:
    pieces: list[Atom] = []
    done = 0
    for found in _GLOB.finditer(text):
        pieces += [text[done : found.start()], Expansion("glob", found.group())]
        done = found.end()
    rest = text[done:]
    # A bracket that closes in a later part of the word: [a"b"c].
    if "[" in rest and any(isinstance(atom, str) and "]" in atom for atom in later):
        before, _, after = rest.partition("[")
        return [piece for piece in (*pieces, before, Expansion("glob", "["), after) if piece != ""]
    pieces.append(rest)
    return [piece for piece in pieces if piece != ""]


# ------------------------------------------------------------------ lexing a word's source

_PLAIN = re.compile(rb"[^\\'\"$`<>]+")
_PLAIN_IN_DOUBLE = re.compile(rb'[^\\"$`]+')
_SINGLE = re.compile(rb"'([^']*)'")
_ANSI = re.compile(rb"\$'((?:[^'\\]|\\.)*)'", re.DOTALL)
# What makes a dollar an expansion; any other dollar is a dollar.
_EXPANDS = re.compile(rb"\$[{(\[]")
_PARAMETER = re.compile(rb"\$([A-Za-z_][A-Za-z0-9_]*|[0-9@*#?$!-])")


def decode(data: bytes) -> str:
    """Source bytes as the text they came from."""
    return data.decode("utf-8", "surrogateescape")


def lex_word(source: bytes, start: int, end: int, holes: Mapping[int, Hole]) -> list[Atom]:
    """The atoms of the word at source[start:end], given the expansions a reader found in it.

    UnreadableWord when the text has an expansion the reader did not find, or the reverse.
    """
    atoms: list[Atom] = []
    position = start
    while position < end:
        byte = source[position]
        if found := _PLAIN.match(source, position, end):
            atoms.append(decode(found.group()))
            position = found.end()
        elif byte == 0x5C:  # backslash
            if source[position + 1 : position + 2] != b"\n":
                character, position = _character(source, position + 1, end)
                atoms.append(Quoted(character or "\\"))
            else:
                position += 2
        elif found := _SINGLE.match(source, position, end):
            atoms.append(Quoted(decode(found.group(1))))
            position = found.end()
        elif byte == 0x22:
            position = _lex_double(source, position + 1, end, holes, atoms)
        elif found := _ANSI.match(source, position, end):
            atoms.append(Quoted(decode_ansi_c(found.group(1))))
            position = found.end()
        elif source.startswith(b'$"', position):
            position = _lex_double(source, position + 2, end, holes, atoms)
        else:
            position = _lex_expansion(source, position, end, holes, atoms, quoted=False)
    return atoms


def _character(source: bytes, position: int, end: int) -> tuple[str, int]:
    """One UTF-8 character: an escape covers all its bytes."""
    stop = position + 1
    while stop < end and source[stop] & 0xC0 == 0x80:
        stop += 1
    return decode(source[position:stop]), stop


def _lex_double(
    source: bytes, position: int, end: int, holes: Mapping[int, Hole], atoms: list[Atom]
) -> int:
    """Appends the inside of a double-quoted string; returns where it ends."""
    atoms.append(Quoted(""))
    while position < end:
        byte = source[position]
        if byte == 0x22:
            return position + 1
        if found := _PLAIN_IN_DOUBLE.match(source, position, end):
            atoms.append(Quoted(decode(found.group())))
            position = found.end()
        elif byte == 0x5C:
            following = source[position + 1 : position + 2]
            if following in (b"$", b"`", b'"', b"\\"):
                atoms.append(Quoted(decode(following)))
            elif following != b"\n":
                atoms.append(Quoted("\\" + decode(following) if following < b"\x80" else "\\"))
                if following >= b"\x80":
                    position -= 1
            position += 2
        else:
            position = _lex_expansion(source, position, end, holes, atoms, quoted=True)
    raise UnreadableWord("a double quote that does not end in its word")


def _lex_expansion(
    source: bytes,
    position: int,
    end: int,
    holes: Mapping[int, Hole],
    atoms: list[Atom],
    *,
    quoted: bool,
) -> int:
    hole = holes.get(position)
    if hole is not None and hole.end <= end:
        text = decode(source[position : hole.end])
        atoms.append(Expansion(hole.kind, text, hole.name))
        return hole.end
    if parameter := _PARAMETER.match(source, position, end):
        # No command hides in it, so it needs no reader to vouch for it.
        name = decode(parameter.group(1))
        atoms.append(Expansion("parameter", f"${name}", name))
        return parameter.end()
    if source[position] == 0x24 and not _EXPANDS.match(source, position, end):
        atoms.append(Quoted("$") if quoted else "$")
        return position + 1
    raise UnreadableWord("an expansion the grammar does not know")
