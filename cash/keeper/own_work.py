"""What polisd's own errands start inside: programs of the walls, and by git only git's.

No policy judges an errand. But git in it reads the agent's configuration, which names programs
(filters, hooks, helpers, merge drivers), and cash/daemon/own_git.py can blank only what is there
when it looks. So each exec is looked at here, where nothing of it can change any more.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from cash.keeper.gits import operation_of
from cash.keeper.ground import Ground
from cash.keeper.image import Image

# git runs a setting of several words by a shell. These are what own_git.py sets, with the path as
# git quotes it (sq_quote_buf), and how git-lfs calls polis' helper (FormatForShell).
_TEXT: Final = re.compile(
    rb"/usr/(?:local/)?bin/git-lfs (?:filter-process|(?:clean|smudge) -- (?:'[^']*'|\\['!])+)"
    rb"|(?:git-remote-polis|'git-remote-polis') --lfs"
)
_QUESTIONS: Final = frozenset(
    (
        *(b"cat-file", b"check-attr", b"for-each-ref", b"ls-files", b"rev-list", b"rev-parse"),
        *(b"show-ref", b"var", b"version"),
    )
)
# What git-lfs puts before some of them, and the one setting that it makes.
_NEUTRAL: Final = re.compile(rb"filter\.lfs\.(?:clean|smudge|process)=|filter\.lfs\.required=false")
_OWN_KEY: Final = b"lfs.repositoryformatversion"
_ITS_OPTIONS: Final = (b"--includes", b"--local", b"--replace-all")
_SHELLS: Final = re.compile(r"/(?:usr/)?bin/(?:sh|dash|bash)")
_DELETED: Final = " (deleted)"
# What git starts for its own work in an errand (git 2.45). Many others run what settings name: some
# are scripts of git's that `eval` it (git-mergetool, git-web--browse), and an alias is any of them.
_PARTS: Final = frozenset(
    (
        *(b"cat-file", b"checkout--worker", b"commit-graph", b"fetch", b"for-each-ref"),
        *(b"index-pack", b"log", b"multi-pack-index", b"pack-objects", b"pack-refs"),
        *(b"prune-packed", b"remote-polis", b"repack", b"rev-list", b"rev-parse", b"status"),
        b"unpack-objects",
    )
)


@dataclass(frozen=True, slots=True)
class OwnWork:
    """ground: the files inside. writable: the folders in which an agent may make programs."""

    ground: Ground
    writable: Sequence[str]

    def holds(self, image: Image, before: str) -> bool:
        """Whether an errand's process may have become this. before: the program that it was."""
        named = image.name if image.name in image.argv[1:] else b""
        if not self._is_shown(image.file) or (named and not self._is_found(image.cwd, named)):
            return False
        if not _is_gits(before):
            return True
        # A program that was given its own path is no script (as faces.py finds it).
        script = b"" if named and self._is_itself(image) else named
        words = image.argv[image.argv.index(script, 1) :] if script else image.argv
        is_by_lfs = os.path.basename(before) == "git-lfs"
        match os.path.basename(os.fsdecode(script) if script else image.file):
            case "git":
                return _is_question(words) if is_by_lfs else operation_of(words) in _PARTS
            case "git-lfs" | "git-remote-polis":
                return not is_by_lfs
            case _:
                return _is_known_text(image)

    def _is_itself(self, image: Image) -> bool:
        """Whether what was asked for is the program, and not a script of its. It lies where nobody
        changes what is there."""
        try:
            found = self.ground.look(os.path.join(os.fsencode(image.cwd), image.name))
        except OSError:
            return False
        return (found.st_dev, found.st_ino) == (image.device, image.inode)

    def _is_shown(self, path: str) -> bool:
        """Whether the agent can have put nothing in its place."""
        return (
            path.startswith("/")
            and not path.startswith(("/memfd:", "/dev/", "/proc/"))
            and not path.endswith(_DELETED)
            and not any(f"{path}/".startswith(f"{place}/") for place in self.writable)
        )

    def _is_found(self, cwd: str, script: bytes) -> bool:
        """The interpreter opens a script by its name once more: no folder on the way may be one in
        which that can come to mean another file."""
        try:
            return all(
                self._is_shown(os.fsdecode(prefix)) and self._is_shown(self.ground.place(prefix)[0])
                for prefix in _prefixes(os.path.join(os.fsencode(cwd), script))
            )
        except (OSError, ValueError):
            return False


def _prefixes(path: bytes) -> Iterator[bytes]:
    """An absolute path and each folder on its way, but for the root."""
    while path not in (b"/", b""):
        yield path
        path = os.path.dirname(path)


def _is_question(words: tuple[bytes, ...]) -> bool:
    """What git-lfs asks git (3.3 does so by rev-parse, version and config). An extension that the
    agent has configured is started with all its words, and a git writes what it is told to."""
    operation = operation_of(words)
    before, after = _split(words, operation)
    are_plain = all(word == b"-c" or _NEUTRAL.fullmatch(word) for word in before)
    if operation != b"config":
        return are_plain and operation in _QUESTIONS
    keys = [word for word in after if not word.startswith(b"-") and b".lfsconfig" not in word]
    is_listing = not keys and any(word in (b"-l", b"--list") for word in after)
    is_own = keys[:1] == [_OWN_KEY] and all(
        word in _ITS_OPTIONS for word in after if word[:1] == b"-"
    )
    return are_plain and (is_listing or is_own)


def _split(
    words: tuple[bytes, ...], operation: bytes
) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
    at = words.index(operation, 1) if operation in words[1:] else len(words)
    return words[1:at], words[at + 1 :]


def _is_gits(path: str) -> bool:
    """By its name, which is enough where no agent can choose it."""
    return "git" in os.path.basename(path)


def _is_known_text(image: Image) -> bool:
    if not _SHELLS.fullmatch(image.file) or image.argv[1:2] != (b"-c",):
        return False
    return len(image.argv) > 2 and _TEXT.fullmatch(image.argv[2]) is not None
