"""How an action is named to people: one line, short, without control characters."""

from __future__ import annotations

from cash.policy.action import Connect, ToolCall, Write
from cash.policy.subject import Subject

_LONGEST = 200


def words_of(subject: Subject) -> str:
    """The command, path, host or tool a match is about, as written."""
    action = subject.action
    match action:
        case Write():
            return plain(action.path.text)
        case Connect():
            return plain(f"{action.host}:{action.port}" if action.port else action.host)
        case ToolCall():
            return plain(action.tool)
        case _:
            command = action.command
            words = command.argv if command is not None else ()
            return plain(" ".join(word.source or word.text for word in words))


def plain(text: str, longest: int = _LONGEST) -> str:
    """text in one line: control and format characters become visible, the end is cut."""
    if not (text.isascii() and text.isprintable()):
        text = "".join(_visible(char) for char in text)
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _visible(char: str) -> str:
    # isprintable() is false for controls, lone surrogates, and for the bidirectional marks that
    # make a terminal show another text than the one there is.
    if char.isprintable():
        return char
    if char in "\t\n\r":
        return {"\t": " ", "\n": "⏎", "\r": "␍"}[char]
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:  # surrogateescape: a byte that is no UTF-8
        return f"\\x{code - 0xDC00:02x}"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
