"""The calls that change files: which of their arguments name what, and how it changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cash.policy.action import WriteKind

_NOFOLLOW: Final = 0x100  # AT_SYMLINK_NOFOLLOW
_FOLLOW: Final = 0x400  # AT_SYMLINK_FOLLOW, of linkat alone


@dataclass(frozen=True, slots=True)
class Named:
    """A path among a call's arguments. directory: the place of the descriptor it starts from, None
    for the working directory. opened: its place holds an open file's descriptor instead. follows:
    a link at its end is followed. flags: the place of flags that say otherwise. changes: its file
    is another afterwards."""

    path: int
    kind: WriteKind
    directory: int | None = None
    opened: bool = False
    follows: bool = False
    flags: int | None = None
    changes: bool = True

    def follows_in(self, arguments: Sequence[int]) -> bool:
        """Whether a call with these arguments follows a link at the path's end."""
        if self.flags is None:
            return self.follows
        flags = arguments[self.flags]
        return not flags & _NOFOLLOW if self.follows else bool(flags & _FOLLOW)


# Opens: which arguments are path, directory, flags, mode.
OPENS: Final = {
    "open": (0, None, 1, 2),
    "openat": (1, 0, 2, 3),
    "creat": (0, None, None, 1),
}
CALLS: Final[dict[str, tuple[Named, ...]]] = {
    "truncate": (Named(0, "overwrite", follows=True),),
    "rename": (Named(0, "rename"), Named(1, "overwrite")),
    "renameat": (Named(1, "rename", 0), Named(3, "overwrite", 2)),
    "renameat2": (Named(1, "rename", 0), Named(3, "overwrite", 2)),
    "unlink": (Named(0, "delete"),),
    "unlinkat": (Named(1, "delete", 0),),
    "rmdir": (Named(0, "delete"),),
    # What is written to under its new name is the old file too.
    "link": (Named(0, "overwrite", changes=False), Named(1, "create")),
    "linkat": (Named(1, "overwrite", 0, flags=4, changes=False), Named(3, "create", 2)),
    "symlink": (Named(1, "create"),),
    "symlinkat": (Named(2, "create", 1),),
    "mkdir": (Named(0, "create"),),
    "mkdirat": (Named(1, "create", 0),),
    "mknod": (Named(0, "create"),),
    "mknodat": (Named(1, "create", 0),),
    "chmod": (Named(0, "metadata", follows=True),),
    "fchmod": (Named(0, "metadata", opened=True),),
    "fchmodat": (Named(1, "metadata", 0, follows=True),),
    "fchmodat2": (Named(1, "metadata", 0, follows=True, flags=3),),
    "chown": (Named(0, "metadata", follows=True),),
    "fchown": (Named(0, "metadata", opened=True),),
    "lchown": (Named(0, "metadata"),),
    "fchownat": (Named(1, "metadata", 0, follows=True, flags=4),),
    "utime": (Named(0, "metadata", follows=True),),
    "utimes": (Named(0, "metadata", follows=True),),
    "futimesat": (Named(1, "metadata", 0, follows=True),),
    "utimensat": (Named(1, "metadata", 0, follows=True, flags=3),),
    "setxattr": (Named(0, "metadata", follows=True),),
    "lsetxattr": (Named(0, "metadata"),),
    "fsetxattr": (Named(0, "metadata", opened=True),),
    "setxattrat": (Named(1, "metadata", 0, follows=True, flags=2),),
    "removexattr": (Named(0, "metadata", follows=True),),
    "lremovexattr": (Named(0, "metadata"),),
    "fremovexattr": (Named(0, "metadata", opened=True),),
    "removexattrat": (Named(1, "metadata", 0, follows=True, flags=2),),
}
