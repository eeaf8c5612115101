"""What is at a path: enough to bring it back, and to tell whether it is still the same."""

from __future__ import annotations

import base64
import contextlib
import os
import stat
from dataclasses import dataclass, fields
from typing import Any, Final, Literal

Kind = Literal["absent", "file", "link", "folder", "fifo", "other"]

# Of extended attributes, what a file's owner may set; the rest is the system's to say.
_ATTRIBUTES: Final = ("user.", "system.posix_acl_")


@dataclass(frozen=True, slots=True)
class State:
    """kind: "other" is a socket or a device, which nobody brings back. mode: permission bits.
    owner: uid and gid on disk. size: bytes. written: its mtime in nanoseconds. stamp: inode and
    ctime in nanoseconds; no program can choose the latter, so the same stamp is the same file,
    unchanged. object: the hash of its content, "" where that is not known; place: where the store
    has it. target: of a link. attributes: extended ones, values in base64. unsaved: why its content
    is not kept. meaning: of git's index, what it says but for what it remembers of times."""

    kind: Kind
    mode: int = 0
    owner: tuple[int, int] = (0, 0)
    size: int = 0
    written: int = 0
    stamp: tuple[int, int] = (0, 0)
    object: str = ""
    place: str = ""
    target: str = ""
    attributes: tuple[tuple[str, str], ...] = ()
    unsaved: str = ""
    meaning: str = ""

    def pack(self) -> dict[str, Any]:
        """As JSON values, without what is as usual."""
        found = {"kind": self.kind}
        found |= {name: said for name in _NAMES if (said := getattr(self, name)) != _USUAL[name]}
        return found


_USUAL: Final = {field.name: field.default for field in fields(State)}
_NAMES: Final = tuple(_USUAL)[1:]


def unpack_state(values: dict[str, Any]) -> State:
    """The reverse of State.pack. TypeError or ValueError when it is none."""
    known = dict(values)
    for name in ("owner", "stamp"):
        if name in known:
            first, second = known[name]
            known[name] = (int(first), int(second))
    known["attributes"] = tuple((name, value) for name, value in known.get("attributes", ()))
    return State(**known)


ABSENT: Final = State("absent")


def state_of(found: os.stat_result, **more: Any) -> State:
    """What a look tells; what it does not, is said with it."""
    kind = _KINDS.get(stat.S_IFMT(found.st_mode), "other")
    return State(
        kind,
        stat.S_IMODE(found.st_mode),
        (found.st_uid, found.st_gid),
        found.st_size if kind == "file" else 0,
        found.st_mtime_ns,
        (found.st_ino, found.st_ctime_ns),
        **more,
    )


_KINDS: Final[dict[int, Kind]] = {
    stat.S_IFREG: "file",
    stat.S_IFLNK: "link",
    stat.S_IFDIR: "folder",
    stat.S_IFIFO: "fifo",
}


def read_attributes(descriptor: int) -> tuple[tuple[str, str], ...]:
    """The extended attributes of an open file or folder that its owner may set."""
    found = []
    with contextlib.suppress(OSError):  # the file system may have none
        for name in os.listxattr(descriptor):
            if name.startswith(_ATTRIBUTES):
                value = os.getxattr(descriptor, name)
                found.append((name, base64.b64encode(value).decode("ascii")))
    return tuple(found)


def write_attributes(file: int | str, attributes: tuple[tuple[str, str], ...]) -> None:
    """Gives an open file, or one of this path, just these. OSError."""
    known = dict(attributes)
    with contextlib.suppress(OSError):  # the file system may have none
        for name in os.listxattr(file):
            if name.startswith(_ATTRIBUTES) and name not in known:
                os.removexattr(file, name)
    for name, value in attributes:
        os.setxattr(file, name, base64.b64decode(value))


def is_bare(state: State) -> bool:
    """Whether it is a file's without its content, which was not asked for."""
    return state.kind == "file" and not state.object and not state.unsaved


def is_same(one: State, other: State) -> bool:
    """Whether what is there is the same, by whatever inode. What is not known of a content differs
    from everything but the very file."""
    if one.kind != other.kind:
        return False
    if one.kind == "absent" or (one.stamp == other.stamp and one.stamp != (0, 0)):
        return True
    match one.kind:
        case "file" if is_bare(one):
            return _looks(one) == _looks(other)
        case "file" if one.meaning and one.meaning == other.meaning:
            return True
        case "file":
            is_alike = bool(one.object) and one.object == other.object
            return is_alike and one.mode == other.mode and one.attributes == other.attributes
        case "link":
            return one.target == other.target
        case "folder" | "fifo":
            return (one.mode, one.attributes) == (other.mode, other.attributes)
        case "other":
            return False


def _looks(state: State) -> tuple[object, ...]:
    return state.mode, state.owner, state.written, state.attributes
