"""The 23 operations that git's users do at once, done as they are asked for by standard input.

    python3 operations.py NAME BRANCH SCRATCH

Runs in the working directory, inside the walls or in a plain worktree; needs Python alone. A line
of input are operations, done one after the other, or "look"; the answer is a line of JSON: what
went wrong (operation, why), the worker's commit, and the branches, tags and pushed commits that it
made and that have to be there at the end.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

# Pushes to one branch of all: who comes second has to look again.
_TRIES = 40


class Wrong(Exception):
    """An operation failed, or lost something."""


@dataclass
class Worker:
    """name: no other has it. branch: its own. number: of what it has done."""

    name: str
    branch: str
    scratch: Path
    number: int = 0
    made: dict[str, str] = field(default_factory=dict)
    pushed: list[str] = field(default_factory=list)

    def git(self, *words: str, fine: tuple[int, ...] = (0,)) -> str:
        ran = subprocess.run(["git", *words], capture_output=True, text=True, check=False)
        said = ran.stderr.strip()
        if ran.returncode not in fine or "Update of config-file failed" in said:
            raise Wrong(f"git {' '.join(words)}: {ran.returncode}: {said[-400:]}")
        return ran.stdout.strip()

    def fresh(self, kind: str) -> str:
        """A name that nobody else takes."""
        return f"{kind}-{self.name}-{self.number}"

    def keep(self, ref: str, value: str) -> None:
        self.made[ref] = value

    def expect(self, holds: bool, what: str) -> None:
        if not holds:
            raise Wrong(what)

    def home(self) -> None:
        self.git("switch", "-q", self.branch)

    def commit_tree(self, parent: str, text: str) -> str:
        return self.git("commit-tree", "-p", parent, "-m", text, f"{parent}^{{tree}}")

    def tracks(self, branch: str) -> bool:
        return bool(self.git("config", "--get", f"branch.{branch}.merge", fine=(0, 1)))


def _commit(w: Worker) -> None:
    w.git("commit", "-q", "--allow-empty", "-m", w.fresh("commit"))


def _add(w: Worker) -> None:
    Path(w.fresh("file")).write_text("x\n")
    w.git("add", w.fresh("file"))
    w.expect(w.fresh("file") in w.git("ls-files"), "what was added is not in the index")
    w.git("commit", "-q", "-m", w.fresh("add"))


def _status(w: Worker) -> None:
    w.expect(w.git("status", "--porcelain", "-uno") == "", "the tree is not clean")


def _switch(w: Worker) -> None:
    name = w.fresh("switched")
    w.git("switch", "-q", "--no-track", "-c", name)
    _commit(w)
    w.keep(f"refs/heads/{name}", w.git("rev-parse", "HEAD"))
    w.home()


def _merge(w: Worker) -> None:
    side = w.commit_tree("HEAD", w.fresh("side"))
    _commit(w)
    w.git("merge", "-q", "--no-ff", "-m", w.fresh("merge"), side)
    w.git("merge-base", "--is-ancestor", side, "HEAD")


def _rebase(w: Worker) -> None:
    _commit(w)
    before = w.git("log", "-1", "--format=%s %T")
    w.git("rebase", "-q", "--force-rebase", "HEAD~1")
    w.expect(w.git("log", "-1", "--format=%s %T") == before, "a rebase lost the commit")


def _tag(w: Worker) -> None:
    name = w.fresh("tag")
    w.git("tag", "-a", "-m", "x", name)
    w.keep(f"refs/tags/{name}", w.git("rev-parse", f"refs/tags/{name}"))


def _notes(w: Worker) -> None:
    _commit(w)
    w.git("notes", "add", "-m", w.fresh("note"), "HEAD")
    w.expect(w.git("notes", "show", "HEAD") == w.fresh("note"), "the note is another one")


def _rename(w: Worker) -> None:
    old, new = w.fresh("old"), w.fresh("new")
    w.git("branch", "-q", "--no-track", old)
    w.git("branch", "-m", old, new)
    w.git("rev-parse", "--verify", "-q", f"refs/heads/{old}", fine=(1,))
    w.keep(f"refs/heads/{new}", w.git("rev-parse", f"refs/heads/{new}"))


def _upstream(w: Worker) -> None:
    name = w.fresh("up")
    w.git("branch", "-q", "--no-track", name)
    w.git("branch", "-q", "-u", "origin/main", name)
    w.expect(w.tracks(name), "the upstream is not there")


def _track(w: Worker) -> None:
    name = w.fresh("tracking")
    w.git("branch", "-q", "--track", name, "origin/main")
    w.expect(w.tracks(name), "the branch tracks nothing")


def _delete(w: Worker) -> None:
    _track(w)
    w.git("branch", "-q", "-D", w.fresh("tracking"))
    w.expect(not w.tracks(w.fresh("tracking")), "the branch's section stayed")


def _switch_track(w: Worker) -> None:
    name = w.fresh("switched")
    w.git("switch", "-q", "-c", name, "--track", "origin/main")
    w.expect(w.tracks(name), "the branch tracks nothing")
    w.home()


def _remote_add(w: Worker) -> None:
    name = w.fresh("remote")
    w.git("remote", "add", name, "/nowhere")
    w.expect(w.git("remote", "get-url", name) == "/nowhere", "the remote is not there")


def _remote_remove(w: Worker) -> None:
    _remote_add(w)
    w.git("remote", "remove", w.fresh("remote"))
    w.expect(w.fresh("remote") not in w.git("remote").split(), "the remote stayed")


def _fetch(w: Worker) -> None:
    w.git("fetch", "-q", "origin")


def _push_own(w: Worker) -> None:
    w.git("push", "-q", "origin", f"HEAD:refs/heads/{w.fresh('pushed')}")


def _push_shared(w: Worker) -> None:
    """Until it is the first: that somebody else was is no failure of git's."""
    for number in range(_TRIES):
        time.sleep(random.uniform(0, 0.2 * number))
        w.git("fetch", "-q", "origin")
        mine = w.commit_tree("origin/shared", w.fresh("shared"))
        ran = subprocess.run(
            ["git", "push", "-q", "origin", f"{mine}:refs/heads/shared"],
            capture_output=True,
            text=True,
            check=False,
        )
        if ran.returncode == 0:
            w.pushed.append(mine)
            return
        if "rejected" not in ran.stderr:
            raise Wrong(f"push: {ran.returncode}: {ran.stderr[-400:]}")
    raise Wrong(f"was never the first of {_TRIES} times")


def _stash(w: Worker) -> None:
    Path("f").write_text(w.fresh("stash"))
    w.git("stash", "push", "-q")
    w.expect(Path("f").read_text() == "f\n", "the stash left the file")
    w.git("stash", "pop", "-q")
    mine = Path("f").read_text() == w.fresh("stash")
    Path("f").write_text("f\n")
    w.expect(mine, "what came back was somebody else's")


def _worktree(w: Worker) -> None:
    place = w.scratch / w.fresh("tree")
    w.git("worktree", "add", "-q", "--detach", str(place))
    w.expect((place / "f").exists(), "nothing is in the worktree")
    w.git("worktree", "remove", str(place))


def _worktree_track(w: Worker) -> None:
    place, name = w.scratch / w.fresh("tree"), w.fresh("tree")
    w.git("worktree", "add", "-q", "--track", "-b", name, str(place), "origin/main")
    w.expect(w.tracks(name), "the worktree's branch tracks nothing")
    w.git("worktree", "remove", str(place))


def _gc(w: Worker) -> None:
    w.git("gc", "-q")


def _pack_refs(w: Worker) -> None:
    w.git("pack-refs", "--all")


OPERATIONS: dict[str, Callable[[Worker], None]] = {
    "commit": _commit,
    "add": _add,
    "status": _status,
    "switch": _switch,
    "merge": _merge,
    "rebase": _rebase,
    "tag": _tag,
    "notes add": _notes,
    "branch -m": _rename,
    "branch -u": _upstream,
    "branch --track": _track,
    "branch -D": _delete,
    "switch --track": _switch_track,
    "remote add": _remote_add,
    "remote remove": _remote_remove,
    "fetch": _fetch,
    "push": _push_own,
    "push to one branch": _push_shared,
    "stash": _stash,
    "worktree": _worktree,
    "worktree --track": _worktree_track,
    "gc": _gc,
    "pack-refs": _pack_refs,
}


def _look(w: Worker) -> None:
    """All that was made is there, and whole; nothing is on the stash."""
    for ref, value in w.made.items():
        w.expect(w.git("rev-parse", "--verify", ref) == value, f"{ref} is lost")
    w.expect(w.git("stash", "list") == "", "something is left on the stash")
    w.git("fsck", "--no-progress", "--no-dangling")


LOOK = "look"


def _mend(w: Worker) -> None:
    """After a failure, so that the next operation stands for itself."""
    for words in (("rebase", "--abort"), ("merge", "--abort"), ("reset", "-q", "--hard")):
        subprocess.run(["git", *words], capture_output=True, check=False)
    subprocess.run(["git", "switch", "-q", w.branch], capture_output=True, check=False)


def _do(w: Worker, name: str) -> str:
    """What went wrong, or nothing."""
    w.number += 1
    try:
        (_look if name == LOOK else OPERATIONS[name])(w)
    except Wrong as wrong:
        _mend(w)
        return str(wrong)
    return ""


def main(name: str, branch: str, scratch: str) -> None:
    """Until there is no more to do."""
    worker = Worker(name, branch, Path(scratch))
    for line in sys.stdin:
        told = [(one, _do(worker, one)) for one in json.loads(line)]
        head = worker.git("rev-parse", "HEAD", fine=(0, 128))
        wrong = [pair for pair in told if pair[1]]
        answer = {"wrong": wrong, "head": head, "made": worker.made, "pushed": worker.pushed}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
