"""Pushing a branch of the hub to one of the user's remotes, with the user's own keys.

It runs in the hub, by the user's own configuration: nothing an agent configured, and no hook,
takes part. What is pushed is one branch, under its own name.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from cash.faults import Fault, UsageFault
from cash.hub.git import Git, GitFault, last_line
from cash.hub.lfs import is_installed, wish_for
from cash.hub.lfs_pushing import (
    fetch_words,
    find_missing,
    find_pushed,
    may_miss,
    missing_text,
    push_words,
)
from cash.hub.repository import Repository

SECONDS = 300.0
# A gigabyte over a slow line. What says nothing, git-lfs itself gives up on (lfs.activitytimeout).
LFS_SECONDS = 3600.0
# Of the environment of who asks: what reaches their keys. Nothing that names a repository.
CARRIED: Final = (
    *("SSH_AUTH_SOCK", "SSH_ASKPASS", "GIT_ASKPASS", "GIT_SSH", "GIT_SSH_COMMAND", "DISPLAY"),
    *("WAYLAND_DISPLAY", "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS", "GNUPGHOME"),
    *("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "no_proxy", "NO_PROXY"),
)


@dataclass(frozen=True, slots=True)
class Pushed:
    """commit: what the remote's branch is now. fresh: it was not there before. moved: it stood
    elsewhere before."""

    remote: str
    branch: str
    commit: str
    fresh: bool
    moved: bool


def push_branch(
    repository: Repository, remote: str, branch: str, environment: Mapping[str, str]
) -> Pushed:
    """Pushes refs/heads/<branch> to the branch of that name, never by force. environment: of who
    asks, of which only CARRIED counts. Raises UsageFault when the remote's branch has commits
    that this one has not, Fault with git's word when it cannot be reached or refuses."""
    carried = {key: value for key, value in environment.items() if key in CARRIED}
    if repository.owner.foreign:
        carried = {}
    git = replace(
        repository.git,
        settings=("push.followTags=false", "push.recurseSubmodules=no", "push.gpgSign=false"),
        extra={**repository.git.extra, **carried},
    )
    ref = f"refs/heads/{branch}"
    commit = git.read("rev-parse", "--verify", f"{ref}^{{commit}}")
    _push_objects(repository, replace(git, settings=()), remote, commit)
    words = ("push", "--porcelain", "--no-verify", "--end-of-options", remote, f"{ref}:{ref}")
    try:
        status, out, err = git.try_run(*words, cwd=repository.root, seconds=SECONDS)
    except GitFault as fault:
        raise Fault(f"{remote} does not answer: {fault.message}", hint=_look(remote)) from fault
    flag, summary = _result(out, ref)
    if status:
        raise _explain(remote, branch, flag, summary or last_line(err))
    return Pushed(remote, branch, commit, fresh=flag == "*", moved=flag == " ")


def _push_objects(repository: Repository, git: Git, remote: str, commit: str) -> None:
    """What of Git LFS the remote lacks, before the branch that needs it."""
    wanted = dict(find_pushed(repository, remote, [commit])) if is_installed(repository) else {}

    def run(words: Sequence[str], given: str | None = None) -> tuple[int, str]:
        text = None if given is None else given.encode()
        status, _, err = git.try_run(*words, given=text, cwd=repository.root, seconds=LFS_SECONDS)
        return status, last_line(err)

    if missing := find_missing(repository, wanted):
        run(fetch_words(remote, wish_for(repository, missing)))
        missing = find_missing(repository, missing)
    if missing and not may_miss(repository):
        raise Fault(missing_text(missing), hint="git lfs fsck")
    given = "".join(f"{oid}\n" for oid in wanted if oid not in missing)
    status, word = run(push_words(remote), given) if given else (0, "")
    if status:
        raise Fault(f"Git LFS cannot push to {remote}: {word}", hint=_look(remote))


def _result(out: bytes, ref: str) -> tuple[str, str]:
    """The flag and the words about the branch, of `--porcelain`."""
    for line in os.fsdecode(out).splitlines():
        fields = line.split("\t")
        if len(fields) == 3 and fields[1].endswith(f":{ref}"):
            return fields[0], fields[2]
    return "", ""


def _explain(remote: str, branch: str, flag: str, words: str) -> Fault:
    if flag == "!" and ("non-fast-forward" in words or "fetch first" in words):
        return UsageFault(
            f"{remote} has commits on {branch} that are not here",
            hint=f"look at them; to replace them: git push --force-with-lease {remote} {branch}",
        )
    if flag == "!":
        return Fault(f"{remote} refused {branch}: {words}", hint="its own rules say so")
    return Fault(f"{branch} could not be pushed to {remote}: {words}", hint=_look(remote))


def _look(remote: str) -> str:
    return f"git ls-remote {remote} tells whether it can be reached"
