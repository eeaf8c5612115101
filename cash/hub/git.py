"""The one place that starts git outside the walls.

It never runs on a git directory that an agent can write: git obeys what stands in there
(`filter.x.clean` ran although hooks and fsmonitor were neutralised). Nothing of the caller's
environment reaches it but what names the user; hooks, fsmonitor and background maintenance are
off, and a repository is always named by --git-dir, so that nothing planted nearby is discovered.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cash.faults import Fault, MachineFault
from cash.hub.account import Account

SECONDS = 60.0
# After SIGTERM git removes its own lock files; after SIGKILL they stay and block the user.
_GRACE = 3.0
_SETTINGS = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "core.splitIndex=false",
    # The user's own git may hold a ref for a moment, past the mutex.
    "core.filesRefLockTimeout=2000",
    "core.packedRefsTimeout=5000",
    "advice.detachedHead=false",
    "submodule.recurse=false",
)
# What stays when git works as the user's own, in a tree of theirs: only what would run on when the
# hub is held no more.
OWN_SETTINGS = ("gc.auto=0", "maintenance.auto=false")
# What names a repository or configures git (git rev-parse --local-env-vars): of the caller's
# environment, it belongs to another command.
_LOCAL = (
    *("GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY"),
    *("GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_CONFIG", "GIT_PREFIX", "GIT_NAMESPACE"),
    *("GIT_SHALLOW_FILE", "GIT_GRAFT_FILE", "GIT_REPLACE_REF_BASE", "GIT_NO_REPLACE_OBJECTS"),
    *("GIT_IMPLICIT_WORK_TREE", "GIT_INTERNAL_SUPER_PREFIX", "GIT_EXTERNAL_DIFF"),
)
_LOCAL_PREFIX = "GIT_CONFIG_"
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class GitFault(Fault):
    """git failed. message carries git's last line; stderr is everything it said."""

    def __init__(self, message: str, *, hint: str | None = None, stderr: str = "") -> None:
        super().__init__(message, hint=hint)
        self.stderr = stderr


@dataclass(frozen=True, slots=True)
class Git:
    """git on one git directory, as one account.

    directory: the git directory (the hub's, or a linked worktree's inside it), or None to let
    git look around from `cwd` (only to find out what a path is). work_tree and index: as in
    GIT_WORK_TREE and GIT_INDEX_FILE. settings: further `-c` values, after the usual ones. held:
    descriptors that hold the hub, for as long as this git runs. memory: the most bytes of
    addresses it may have, 0 for no limit.
    """

    account: Account
    directory: Path | None = None
    work_tree: Path | None = None
    index: Path | None = None
    settings: tuple[str, ...] = ()
    extra: Mapping[str, str] = field(default_factory=dict)
    usual: tuple[str, ...] = _SETTINGS
    held: tuple[int, ...] = ()
    memory: int = 0

    def run(
        self,
        *arguments: str | Path,
        given: bytes | None = None,
        cwd: Path | None = None,
        seconds: float = SECONDS,
        fine: Iterable[int] = (0,),
        descriptors: Sequence[int] = (),
    ) -> bytes:
        """Its standard output. given: its standard input. fine: statuses that are no failure.
        Raises GitFault with git's last line, MachineFault when git is missing."""
        status, out, err = self.try_run(
            *arguments, given=given, cwd=cwd, seconds=seconds, descriptors=descriptors
        )
        if status not in fine:
            raise GitFault(f"git {arguments[0]} failed: {last_line(err)}", stderr=err)
        return out

    def read(self, *arguments: str | Path, cwd: Path | None = None) -> str:
        """Its standard output as text without the last newline; bytes as surrogates."""
        return os.fsdecode(self.run(*arguments, cwd=cwd).removesuffix(b"\n"))

    def try_run(
        self,
        *arguments: str | Path,
        given: bytes | None = None,
        cwd: Path | None = None,
        seconds: float = SECONDS,
        descriptors: Sequence[int] = (),
    ) -> tuple[int, bytes, str]:
        """Status, standard output, standard error. A git that takes longer than `seconds` is
        ended with everything it started, and is a GitFault."""
        process = self.start(arguments, given is not None, cwd, descriptors)
        try:
            out, err = process.communicate(given, timeout=seconds)
        except subprocess.TimeoutExpired as late:
            _end(process)
            raise GitFault(f"git {arguments[0]} took longer than {seconds:g} s") from late
        except BaseException:
            _end(process)
            raise
        return process.returncode, out, err.decode(errors="replace")

    def start(
        self,
        arguments: Sequence[str | Path],
        has_input: bool,
        cwd: Path | None,
        descriptors: Sequence[int] = (),
    ) -> subprocess.Popen[bytes]:
        """A git on its way, in a session of its own; who starts it ends it. Faults as of run."""
        user = self.account if self.account.foreign else None
        try:
            started = subprocess.Popen(
                self.command(arguments),
                stdin=subprocess.PIPE if has_input else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=cwd or "/",
                env=self.environment(),
                pass_fds=(*self.held, *descriptors),
                # Its own session: a Ctrl-C at the user's terminal is not for it, and all that it
                # starts can be ended together.
                start_new_session=True,
                # polisd's own is 077, but these files are the user's: trees that others' builds
                # and containers read.
                umask=0o022,
                user=user.uid if user else None,
                group=user.gid if user else None,
                extra_groups=user.groups if user else None,
            )
        except FileNotFoundError as missing:
            if cwd is not None and not os.path.isdir(cwd):
                raise GitFault(f"{cwd} is not there") from missing
            raise MachineFault("git is not installed", hint="apt install git") from missing
        except OSError as fault:
            raise GitFault(f"git cannot start in {cwd or '/'}: {fault.strerror}") from fault
        if self.memory:
            with contextlib.suppress(OSError):  # it has ended by then
                limits = (self.memory, self.memory)
                resource.prlimit(started.pid, resource.RLIMIT_AS, limits)
        return started

    def attend(
        self,
        *arguments: str | Path,
        cwd: Path | None = None,
        out: int | None = None,
    ) -> int:
        """Its status. It has the caller's terminal and environment, as if the user had typed it:
        pager, hooks, keys and signatures are theirs. out: the descriptor for its standard output,
        None for the caller's own."""
        user = self.account if self.account.foreign else None
        try:
            return subprocess.run(
                self.command(arguments),
                cwd=cwd or "/",
                stdout=out,
                env=self.attended_environment(),
                pass_fds=self.held,
                user=user.uid if user else None,
                group=user.gid if user else None,
                extra_groups=user.groups if user else None,
                check=False,
            ).returncode
        except FileNotFoundError as missing:
            raise MachineFault("git is not installed", hint="apt install git") from missing

    def attended_environment(self) -> dict[str, str]:
        """The caller's, without what belongs to another git; of root's own nothing but what
        names the terminal."""
        if self.account.foreign:
            shown = {key: os.environ[key] for key in ("TERM", "LANG") if key in os.environ}
            return {**self.environment(), **shown, "LC_ALL": shown.get("LANG", "C")}
        kept = {
            key: value
            for key, value in os.environ.items()
            if key not in _LOCAL and not key.startswith(_LOCAL_PREFIX)
        }
        return {**kept, **self.extra}

    def command(self, arguments: Sequence[str | Path]) -> list[str]:
        """The argv: what `describe` prints and what is started."""
        words = ["git"]
        for setting in (*self.usual, *self.settings):
            words += ["-c", setting]
        if self.directory is not None:
            words.append(f"--git-dir={self.directory}")
        if self.work_tree is not None:
            words.append(f"--work-tree={self.work_tree}")
        return [*words, *(str(argument) for argument in arguments)]

    def environment(self) -> dict[str, str]:
        """Everything git sees: no GIT_* of the caller's, the user's own configuration."""
        values = {
            "PATH": os.environ.get("PATH") or _PATH,
            "HOME": str(self.account.home),
            "USER": self.account.name,
            "LOGNAME": self.account.name,
            "LC_ALL": "C",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_OPTIONAL_LOCKS": "0",
            **self.extra,
        }
        if self.account.foreign:
            values["PATH"] = _PATH  # root's PATH may lie where that user cannot look
        elif config := os.environ.get("XDG_CONFIG_HOME"):
            values["XDG_CONFIG_HOME"] = config
        if self.index is not None:
            values["GIT_INDEX_FILE"] = str(self.index)
        return values


def last_line(text: str) -> str:
    """git's own word on what went wrong, without its `fatal: `."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    told = [line for line in lines if line.startswith(("fatal:", "error:"))]
    line = (told or lines or ["it gave no reason"])[-1]
    return line.removeprefix("fatal: ").removeprefix("error: ").rstrip(".")


def _end(process: subprocess.Popen[bytes]) -> None:
    for number, wait in ((signal.SIGTERM, _GRACE), (signal.SIGKILL, None)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        try:
            process.communicate(timeout=wait)
        except subprocess.TimeoutExpired:
            continue
        return
