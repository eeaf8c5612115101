"""What an image is to rules: the program, and for a script also the script.

`npm` is a script of node's: rules speak of npm, the kernel starts node. And `ld.so PROGRAM`
starts what its argument names. Each such face is judged; the strictest verdict counts.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cash.keeper.copies import Copies
from cash.keeper.ground import Ground
from cash.keeper.image import Image
from cash.keeper.messages import to_bytes, to_text

_OWN: Final = re.compile(rb"/(?:dev|proc/(?:self|thread-self|self/task/\d+))/fd/(\d+)")
_SELF: Final = re.compile(rb"/proc/(?:self|thread-self)/exe")
_LOADER: Final = re.compile(r"ld-[\w.-]*\.so(\.\d+)?|ld\.so(\.\d+)?")
# Options of ld.so that have a value of their own, and those that have none (glibc 2.36).
_LOADER_VALUES: Final = frozenset(
    (
        *(b"--library-path", b"--preload", b"--argv0", b"--audit", b"--inhibit-rpath"),
        *(b"--glibc-hwcaps-prepend", b"--glibc-hwcaps-mask"),
    )
)
_LOADER_FLAGS: Final = frozenset(
    (
        *(b"--list", b"--verify", b"--inhibit-cache", b"--list-tunables", b"--list-diagnostics"),
        *(b"--help", b"--version"),
    )
)
_MOST_STARTS: Final = 16
# The kernel follows an interpreter that is itself a script this often (BINPRM_MAX_RECURSION).
_DEEPEST: Final = 10


@dataclass(frozen=True, slots=True)
class Face:
    """One way to see a start. argv: as a shell would have been given it. resolved: the file's
    real path inside, "" when there is none; identity: its (device, inode)."""

    argv: tuple[bytes, ...]
    program: str
    resolved: str
    identity: tuple[int, int] | None

    def pack(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {
            "argv": [to_text(word) for word in self.argv],
            "program": self.program,
            "resolved": self.resolved,
            "identity": self.identity,
        }


def unpack_face(values: Mapping[str, Any]) -> Face:
    """The reverse of Face.pack."""
    identity = values["identity"]
    return Face(
        tuple([to_bytes(word) for word in values["argv"]]),
        values["program"],
        values["resolved"],
        None if identity is None else (identity[0], identity[1]),
    )


def faces_of(pid: int, image: Image, ground: Ground, copies: Copies) -> tuple[Face, ...]:
    """Every face of an image, that of the script first."""
    own = _own_face(pid, image, copies)
    script = _script_face(pid, image, ground, copies)
    loaded = _loaded_faces(image, own, ground, copies)
    return (*([script] if script is not None else []), own, *loaded)


def _own_face(pid: int, image: Image, copies: Copies) -> Face:
    identity = (image.device, image.inode)
    original = copies.original_of(identity, image.size, f"/proc/{pid}/exe")
    argv = image.argv or (image.name,)
    resolved = "" if image.file.startswith("/memfd:") else image.file.removesuffix(" (deleted)")
    # Its own name is what it is called by; `exec -a` may have made that up, so both count.
    return Face(argv, _base(argv[0]), resolved, original or identity)


def _script_face(pid: int, image: Image, ground: Ground, copies: Copies) -> Face | None:
    try:
        place = image.argv.index(image.name, 1, _DEEPEST)
    except ValueError:
        return None
    argv = (image.name, *image.argv[place + 1 :])
    resolved, identity = _look(pid, image, ground, copies)
    if identity == (image.device, image.inode):
        return None  # a program that was given its own path
    return Face(argv, _base(image.name), resolved, identity)


def _look(
    pid: int, image: Image, ground: Ground, copies: Copies
) -> tuple[str, tuple[int, int] | None]:
    """The file an image was asked for by, as the process that runs it would find it."""
    try:
        if _SELF.fullmatch(image.name):
            return "", (image.device, image.inode)
        if own := _OWN.fullmatch(image.name):
            link = f"/proc/{pid}/fd/{int(own[1])}"
            resolved, found = os.readlink(link), os.stat(link)
        else:
            path = os.path.join(os.fsencode(image.cwd), image.name)
            resolved, found = ground.place(path)
            link = ""
    except (OSError, ValueError):
        return "", None
    identity = (found.st_dev, found.st_ino)
    where = link or (ground, resolved)
    return resolved, copies.original_of(identity, found.st_size, where) or identity


def _loaded_faces(image: Image, own: Face, ground: Ground, copies: Copies) -> Iterator[Face]:
    """What the dynamic loader was told to start. Behind an option that is not known here, each
    word may be that."""
    if own.identity not in copies.loaders and not _LOADER.fullmatch(os.path.basename(image.file)):
        return
    place = 1
    while place < len(image.argv) and image.argv[place].startswith(b"--"):
        option, _, value = image.argv[place].partition(b"=")
        if option not in _LOADER_VALUES and option not in _LOADER_FLAGS:
            for start in range(place + 1, min(len(image.argv), place + _MOST_STARTS)):
                yield _loaded_face(image.argv[start:], image, ground, copies)
            return
        place += 2 if option in _LOADER_VALUES and not value else 1
    if image.argv[place:]:
        yield _loaded_face(image.argv[place:], image, ground, copies)


def _loaded_face(argv: tuple[bytes, ...], image: Image, ground: Ground, copies: Copies) -> Face:
    resolved, identity = "", None
    with contextlib.suppress(OSError, ValueError):
        path = os.path.join(os.fsencode(image.cwd), argv[0])
        resolved, found = ground.place(path)
        identity = (found.st_dev, found.st_ino)
        where = (ground, resolved)
        identity = copies.original_of(identity, found.st_size, where) or identity
    return Face(argv, _base(argv[0]), resolved, identity)


def path_of(image: Image, faces: Sequence[Face]) -> bytes:
    """By which path the process could start this again, after another program in between: what
    /proc/self/exe means changes with each, and a descriptor may be gone."""
    is_script = faces[0].argv[0] == image.name and len(faces) > 1
    if is_script or not (_SELF.fullmatch(image.name) or _OWN.fullmatch(image.name)):
        return image.name
    is_file = not image.file.startswith("/memfd:") and not image.file.endswith(" (deleted)")
    return os.fsencode(image.file) if is_file else image.name


def _base(name: bytes) -> str:
    return os.fsdecode(name.rpartition(b"/")[2])
