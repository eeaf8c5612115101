"""The escapes of `$'…'`, `echo -e` and `printf`, as bash decodes them."""

from __future__ import annotations

import re

_SIMPLE = {
    b"a": b"\a", b"b": b"\b", b"e": b"\x1b", b"E": b"\x1b", b"f": b"\f", b"n": b"\n",
    b"r": b"\r", b"t": b"\t", b"v": b"\v", b"\\": b"\\", b"'": b"'", b'"': b'"', b"?": b"?",
}  # fmt: skip
_ESCAPE = re.compile(
    rb"\\(?:(?P<octal>[0-7]{1,3})|x(?P<hex>[0-9A-Fa-f]{1,2})|u(?P<u4>[0-9A-Fa-f]{1,4})"
    rb"|U(?P<u8>[0-9A-Fa-f]{1,8})|c(?P<control>.)|(?P<simple>[abeEfnrtv\\'\"?]))",
    re.DOTALL,
)


def decode_ansi_c(body: bytes) -> str:
    """The value of `$'body'`. A NUL ends it, as in bash."""
    return _decode(body).split(b"\0", 1)[0].decode("utf-8", "surrogateescape")


def decode_echo(text: str) -> str:
    """The value of an argument of `echo -e` or `printf %b`, and of printf's format."""
    body = text.encode("utf-8", "surrogateescape")
    body = re.sub(rb"\\0([0-7]{1,3})", rb"\\\1", body)
    return _decode(body).split(b"\\c", 1)[0].decode("utf-8", "surrogateescape")


def _decode(body: bytes) -> bytes:
    return _ESCAPE.sub(_one, body) if b"\\" in body else body


def _one(found: re.Match[bytes]) -> bytes:
    match found.lastgroup:
        case "octal":
            return bytes([int(found["octal"], 8) & 0xFF])
        case "hex":
            return bytes([int(found["hex"], 16)])
        case "u4" | "u8":
            number = int(found[found.lastgroup], 16)
            return chr(number).encode("utf-8", "surrogatepass") if number < 0x110000 else b"?"
        case "control":
            return bytes([found["control"][0] & 0x1F])
        case _:
            return _SIMPLE[found["simple"]]
