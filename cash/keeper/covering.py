"""Keeps an account's API key out of what an agent's program starts.

The key is in the environment of the provider's own program, for that is where it reads it. All
that it starts would inherit it: every `env` of a tool would show the key to the model. So the
value is overwritten on the stack of any other program, at its exec stop, before that has run an
instruction. This keeps a key from being seen by mistake; it is no wall, for all processes of an
agent are of one user (docs/isolation.md).
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass, replace
from typing import Final

from cash.keeper.image import Image

# What runs a script, and so is asked for the script's name.
_INTERPRETERS: Final = ("node", "bun", "deno", "python")
# The script may stand behind some options.
_FURTHEST: Final = 8
_POINTER: Final = 8


@dataclass(frozen=True, slots=True)
class Covering:
    """names: of the variables. programs: the names of programs that may see them."""

    names: tuple[bytes, ...]
    programs: frozenset[bytes]

    @classmethod
    def of(cls, names: tuple[str, ...], programs: tuple[str, ...]) -> Covering:
        """From a view's."""
        return cls(
            tuple(os.fsencode(f"{name}=") for name in names),
            frozenset(os.fsencode(program) for program in programs),
        )

    def cover(self, pid: int, stack: int, image: Image) -> Image:
        """Overwrites the values if the image is another program's; the image without them then.
        OSError when the process is gone."""
        if not self.names or self._may_see(image):
            return image
        found = [
            (number, entry)
            for number, entry in enumerate(image.environment)
            if entry.startswith(self.names) and not entry.endswith(b"=")
        ]
        if not found:
            return image
        environment = list(image.environment)
        memory = os.open(f"/proc/{pid}/mem", os.O_RDWR | os.O_CLOEXEC)
        try:
            for number, entry in found:
                name = entry.index(b"=") + 1
                _overwrite(memory, stack, len(image.argv) + 2 + number, name, len(entry) - name)
                environment[number] = entry[:name]
        finally:
            os.close(memory)
        return replace(image, environment=tuple(environment))

    def _may_see(self, image: Image) -> bool:
        file = os.path.basename(image.file)
        if self._is_named(os.fsencode(file)) or self._is_named(image.name):
            return True
        words = image.argv[1:]
        if file == "env":  # what it starts is judged, and looked at here, by itself
            return self._is_named(next((word for word in words if b"=" not in word), b""))
        if not file.startswith(_INTERPRETERS):
            return False
        return any(b"/" in word and self._is_named(word) for word in words[:_FURTHEST])

    def _is_named(self, path: bytes) -> bool:
        return os.path.basename(path) in self.programs


def _overwrite(memory: int, stack: int, place: int, start: int, size: int) -> None:
    """The tail of the text that the pointer at `place` of the stack leads to."""
    (text,) = struct.unpack("=Q", os.pread(memory, _POINTER, stack + _POINTER * place))
    os.pwrite(memory, bytes(size), text + start)
