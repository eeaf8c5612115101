"""The calls that change files: which of their arguments name what, and how it changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cash.policy.action import WriteKind


@dataclass(frozen=True, slots=True)
class Named:
    """A path among a call's arguments. directory: the place of the descriptor it starts from, None
    for the working directory. opened: its place holds an open file's descriptor instead."""

    path: int
    kind: WriteKind
    directory: int | None = None
    opened: bool = False


# Opens: which arguments are path, directory, flags, mode.
OPENS: Final = {
    "open": (0, None, 1, 2),
    "openat": (1, 0, 2, 3),
    "creat": (0, None, None, 1),
}
CALLS: Final[dict[str, tuple[Named, ...]]] = {
    "truncate": (Named(0, "overwrite"),),
    "rename": (Named(0, "rename"), Named(1, "overwrite")),
    "renameat": (Named(1, "rename", 0), Named(3, "overwrite", 2)),
    "renameat2": (Named(1, "rename", 0), Named(3, "overwrite", 2)),
    "unlink": (Named(0, "delete"),),
    "unlinkat": (Named(1, "delete", 0),),
    "rmdir": (Named(0, "delete"),),
    # What is written to under its new name is the old file too.
    "link": (Named(0, "overwrite"), Named(1, "create")),
    "linkat": (Named(1, "overwrite", 0), Named(3, "create", 2)),
    "symlink": (Named(1, "create"),),
    "symlinkat": (Named(2, "create", 1),),
    "mkdir": (Named(0, "create"),),
    "mkdirat": (Named(1, "create", 0),),
    "mknod": (Named(0, "create"),),
    "mknodat": (Named(1, "create", 0),),
    "chmod": (Named(0, "metadata"),),
    "fchmod": (Named(0, "metadata", opened=True),),
    "fchmodat": (Named(1, "metadata", 0),),
    "fchmodat2": (Named(1, "metadata", 0),),
    "chown": (Named(0, "metadata"),),
    "fchown": (Named(0, "metadata", opened=True),),
    "lchown": (Named(0, "metadata"),),
    "fchownat": (Named(1, "metadata", 0),),
    "utime": (Named(0, "metadata"),),
    "utimes": (Named(0, "metadata"),),
    "futimesat": (Named(1, "metadata", 0),),
    "utimensat": (Named(1, "metadata", 0),),
    "setxattr": (Named(0, "metadata"),),
    "lsetxattr": (Named(0, "metadata"),),
    "fsetxattr": (Named(0, "metadata", opened=True),),
    "setxattrat": (Named(1, "metadata", 0),),
    "removexattr": (Named(0, "metadata"),),
    "lremovexattr": (Named(0, "metadata"),),
    "fremovexattr": (Named(0, "metadata", opened=True),),
    "removexattrat": (Named(1, "metadata", 0),),
}
