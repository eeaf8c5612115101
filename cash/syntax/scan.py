"""Finding where quotes, here-documents and substitutions end, on bytes, without a grammar."""

from __future__ import annotations

import re
from dataclasses import dataclass

_TOKEN = re.compile(
    rb"\\.|'[^']*'|\$'(?:[^'\\]|\\.)*+'|\"|\$\(|\$\{|\$\[|[()}\]]|`(?:[^`\\]|\\.)*+`|'|`", re.DOTALL
)
_CLOSERS = {b"$(": b")", b"(": b")", b"${": b"}", b"$[": b"]"}
_LINE_END = re.compile(rb"(?:[^\\'\"\n]|\\.|'[^']*+'|\"(?:[^\"\\]|\\.)*+\")*+(\n)", re.DOTALL)
_DELIMITER = re.compile(
    rb"<<(-?)[ \t]*((?:\\.|'[^']*+'|\"(?:[^\"\\]|\\.)*+\"|[^\s;&|<>()'\"\\])++)", re.DOTALL
)
_SUBSCRIPT = re.compile(rb"'[^']*\[[^']*(?:\$\(|`)[^']*'|\[[^\]]*\\(?:\$|`)")
_BACKTICK_END = re.compile(rb"`((?:[^`\\]|\\.)*+)`", re.DOTALL)


@dataclass(frozen=True, slots=True)
class HereDocument:
    """word: the delimiter without quotes; delimiter: where it stands as written. body_start,
    body_end: the text between the lines; end: behind the delimiter's line. quoted: nothing in
    the body is expanded. line_end: the newline of the line the operator stands in."""

    operator: str
    word: bytes
    delimiter: tuple[int, int]
    body_start: int
    body_end: int
    end: int
    quoted: bool
    line_end: int


def close_of(source: bytes, start: int) -> int | None:
    """Where the substitution that opens at start (`$(`, `${`, `$[`, a backtick) ends."""
    if source[start : start + 1] == b"`":
        found = _BACKTICK_END.match(source, start)
        return found.end() if found else None
    closers = [_CLOSERS[source[start : start + 2]]]
    position = start + 2
    while closers:
        token = _TOKEN.search(source, position)
        if token is None:
            return None
        position = token.end()
        text = token.group()
        if text == closers[-1]:
            closers.pop()
        elif text == b'"':
            closers.append(b'"')
        elif text[:1] == b"'" and closers[-1] == b'"':
            position = token.start() + 1
        elif text in (b"'", b"`"):
            return None
        elif text in _CLOSERS and (text != b"(" or closers[-1] != b'"'):
            closers.append(_CLOSERS[text])
    return position


def here_document(source: bytes, start: int, line_ends: dict[int, int]) -> HereDocument | None:
    """The here-document whose `<<` stands at start; None when it does not end. line_ends: where
    the bodies that already follow a line end, by the position of its newline."""
    found = _DELIMITER.match(source, start)
    if found is None:
        return None
    line = _LINE_END.match(source, found.end())
    if line is None:
        return None
    newline = line.start(1)
    word = found.group(2)
    quoted = any([character in word for character in (b"\\", b"'", b'"')])
    delimiter = _unquote(word) if quoted else word
    body_start = position = line_ends.get(newline, newline + 1)
    joined = False
    while position < len(source):
        stop = source.find(b"\n", position)
        stop = len(source) if stop < 0 else stop
        text = source[position:stop]
        if found.group(1):
            text = text.lstrip(b"\t")
        if text == delimiter and not joined:
            operator = "<<-" if found.group(1) else "<<"
            end = min(stop + 1, len(source))
            return HereDocument(
                operator, delimiter, found.span(2), body_start, position, end, quoted, newline
            )
        # bash joins `\<newline>` of an expanded body before it looks for the delimiter.
        joined = not quoted and (len(text) - len(text.rstrip(b"\\"))) % 2 == 1
        position = stop + 1
    return None


def body_text(source: bytes, document: HereDocument) -> str:
    """The body as the command reads it, expansions as written."""
    body = source[document.body_start : document.body_end].decode("utf-8", "surrogateescape")
    if document.operator == "<<-":
        return re.sub(r"(?m)^\t+", "", body)
    return body


def substitutions_in(text: str) -> list[str]:
    """The commands of the substitutions in a text that bash is going to expand."""
    source = text.encode("utf-8", "surrogateescape")
    found = []
    position = 0
    while (match := re.compile(rb"\$\((?!\()|`").search(source, position)) is not None:
        end = close_of(source, match.start())
        if end is None:
            break
        found.append(source[match.end() : end - 1].decode("utf-8", "surrogateescape"))
        position = end
    return found


def quotes_subscript(source: bytes) -> bool:
    """Whether a test or an arithmetic command has a quoted subscript with a substitution in it,
    which bash evaluates all the same: [[ 'x[$(rm y)]' -eq 1 ]]."""
    return _SUBSCRIPT.search(source) is not None


def unescape_backticks(content: bytes, *, quoted: bool = False) -> bytes:
    """What bash runs of the text between backticks."""
    pattern = rb'\\([`\\$"])' if quoted else rb"\\([`\\$])"
    return re.sub(pattern, rb"\1", content)


def _unquote(word: bytes) -> bytes:
    pattern = rb"'([^']*)'|\"((?:[^\"\\]|\\.)*)\"|\\(.)"
    return re.sub(pattern, lambda found: b"".join(g for g in found.groups() if g), word)
