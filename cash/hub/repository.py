"""The user's repository: found from any path, or one clear line why not."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import stat
from dataclasses import dataclass, field
from pathlib import Path

from cash.faults import Fault, MachineFault, UsageFault
from cash.hub.account import Account, account_of, own_account
from cash.hub.git import Git, GitFault, last_line

# `git worktree add --lock --reason` and the quiet copy of sparse settings need it.
_OLDEST = (2, 34)


@dataclass(frozen=True, slots=True)
class Repository:
    """The hub. root: its main working tree. common_dir: its git directory, shared by all linked
    worktrees. id: name-hash, stable for this place on disk. owner: whose files these are.
    object_format: sha1 or sha256. held, environment: for gits that work while it is held."""

    root: Path
    common_dir: Path
    id: str
    owner: Account
    object_format: str
    held: tuple[int, ...] = field(default=(), compare=False)
    environment: tuple[tuple[str, str], ...] = field(default=(), compare=False)

    @property
    def git(self) -> Git:
        """git in the hub."""
        return Git(
            account=self.owner,
            directory=self.common_dir,
            extra=dict(self.environment),
            held=self.held,
        )

    @property
    def objects(self) -> Path:
        """The object store agents borrow from."""
        return self.common_dir / "objects"


def find_repository(path: Path) -> Repository:
    """The repository around `path`; in a linked worktree, the main one it belongs to.

    Raises UsageFault with one line and a hint when there is none that agents can work on,
    MachineFault when git is missing or too old.
    """
    path = Path(os.path.abspath(path))
    account = _account_for(path)
    _check_version(account)
    found = _look(path, account)
    if found["bare"] == "true":
        raise UsageFault(
            f"{path} is in a bare repository, which has no files to work on",
            hint=f"git clone {found['common']} somewhere, then: polis init somewhere",
        )
    if found["inside_git"] == "true":
        raise UsageFault(
            f"{path} is inside a git directory",
            hint=f"go to the working tree: cd {Path(found['common']).parent}",
        )
    common = Path(found["common"])
    repository = Repository(
        root=_main_root(path, common, found["git"], account),
        common_dir=common,
        id=repository_id(common),
        owner=account,
        object_format=found["format"],
    )
    _check_main(repository, path, account)
    return repository


def repository_id(common_dir: Path) -> str:
    """name-hash of where the repository lies; a folder name of at most 40 characters."""
    name = common_dir.parent.name if common_dir.name == ".git" else common_dir.name
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:24].strip("-")
    digest = hashlib.sha256(os.fsencode(common_dir)).hexdigest()[:12]
    return f"{slug or 'repository'}-{digest}"


def _account_for(path: Path) -> Account:
    """Who owns the place: as root, git runs as that user, so that files keep their owner."""
    try:
        found = os.stat(path)
    except PermissionError as fault:
        raise UsageFault(f"{path} cannot be read", hint="check its permissions") from fault
    except FileNotFoundError as fault:
        there = next(one for one in path.parents if one.is_dir())
        hint = f"ls {there} (a new repository: git init {path})"
        raise UsageFault(f"{path}: {os.strerror(errno.ENOENT)}", hint=hint) from fault
    except OSError as fault:
        raise UsageFault(f"{path}: {os.strerror(fault.errno or 0)}") from fault
    if not stat.S_ISDIR(found.st_mode):
        raise UsageFault(f"{path} is not a directory", hint=f"cd {path.parent}")
    if os.geteuid() == 0 and found.st_uid != 0:
        return account_of(found.st_uid, found.st_gid)
    return own_account()


def _check_version(account: Account) -> None:
    text = Git(account=account).read("version")
    match = re.search(r"(\d+)\.(\d+)", text)
    if match is None or (int(match[1]), int(match[2])) < _OLDEST:
        raise MachineFault(
            f"{text or 'git'} is too old: polis needs {_OLDEST[0]}.{_OLDEST[1]}",
            hint="install a newer git",
        )


_QUESTIONS = {
    "bare": "--is-bare-repository",
    "inside_git": "--is-inside-git-dir",
    "format": "--show-object-format",
    "common": "--git-common-dir",
    "git": "--absolute-git-dir",
}


def _look(path: Path, account: Account) -> dict[str, str]:
    """What git says about the path: bare, inside_git, format, common, git."""
    try:
        status, out, err = Git(account=account).try_run(
            "rev-parse", "--path-format=absolute", *_QUESTIONS.values(), cwd=path
        )
    except GitFault as fault:
        raise UsageFault(fault.message, hint="check its permissions") from fault
    if status:
        raise _explain(path, err, account)
    answers = os.fsdecode(out).split("\n")[:-1]
    if len(answers) != len(_QUESTIONS):
        raise UsageFault(f"{path}: its path holds a line break", hint="rename the folder")
    return dict(zip(_QUESTIONS, answers, strict=True))


def _explain(path: Path, err: str, account: Account) -> Fault:
    if "dubious ownership" in err:
        return UsageFault(
            f"the repository at {path} belongs to somebody else than {account.name}",
            hint="work as its owner, or clone it",
        )
    if "not a git repository" in err:
        return UsageFault(
            f"{path} is not in a git repository",
            hint="git init && git add -A && git commit --allow-empty -m start, "
            "or go to your repository",
        )
    return UsageFault(f"{path}: {last_line(err)}", hint="git status there says more")


def _main_root(path: Path, common: Path, git_directory: str, account: Account) -> Path:
    if Path(git_directory) == common:
        return Path(Git(account=account).read("rev-parse", "--show-toplevel", cwd=path))
    first = Git(account=account, directory=common).read("worktree", "list", "--porcelain", "-z")
    head = first.split("\0\0", 1)[0].split("\0")
    if "bare" in head:
        raise UsageFault(
            f"{path} is a linked worktree of the bare repository {common}",
            hint=f"polis needs a main working tree: git clone {common} somewhere",
        )
    return Path(head[0].removeprefix("worktree "))


def _check_main(repository: Repository, path: Path, account: Account) -> None:
    above = Git(account=account).read(
        "rev-parse", "--show-superproject-working-tree", cwd=repository.root
    )
    if above:
        raise UsageFault(
            f"{path} is a submodule of {above}", hint=f"adopt the whole: polis init {above}"
        )
    status, _, _ = repository.git.try_run("rev-parse", "--verify", "-q", "HEAD^{commit}")
    if status:
        raise UsageFault(
            f"{repository.root} has no commits yet, so there is nothing to start from",
            hint=f"git -C {repository.root} commit --allow-empty -m start",
        )
    if not account.foreign and not os.access(repository.common_dir, os.W_OK):
        raise UsageFault(
            f"{repository.common_dir} cannot be written", hint="work as its owner, or clone it"
        )
