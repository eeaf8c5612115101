"""What lines work on: a C project and a repository, laid out the same in a tree and beside it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

C_FILES, CHANGED = 200, 2000
# Run in the folder that was laid out.
C_BUILD = "cd c && make -s clean && make -s -j2"
MANY_TRUE = "for ((i = 0; i < 300; i++)); do /bin/true; done"

_C_FILE = '#include <stdio.h>\nint f{0}(int n) {{ return printf("%d", n + {0}); }}\n'
_MAKEFILE = "all: $(patsubst %.c,%.o,$(wildcard *.c))\nclean:\n\trm -f *.o\n"


def lay_out_c(folder: Path) -> None:
    """A C project, in `folder`/c."""
    source = folder / "c"
    if source.exists():
        return
    source.mkdir(parents=True)
    for number in range(C_FILES):
        (source / f"f{number}.c").write_text(_C_FILE.format(number))
    (source / "Makefile").write_text(_MAKEFILE)


def lay_out_repository(folder: Path) -> None:
    """A repository with a branch in which every file differs, in `folder`/g."""
    tree = folder / "g"
    tree.mkdir(parents=True)
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]

    def git(*words: str) -> None:
        subprocess.run(["git", *who, *words], cwd=tree, check=True, capture_output=True)

    git("init", "-q", "-b", "main")
    for branch in ("main", "other"):
        for number in range(CHANGED):
            (tree / f"{number}.txt").write_text(f"{branch} {number}\n")
        git("add", "-A")
        git("commit", "-qm", branch)
        if branch == "main":
            git("checkout", "-q", "-b", "other")
    git("checkout", "-q", "main")
    shutil.rmtree(tree / ".git/hooks", ignore_errors=True)
