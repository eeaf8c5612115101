"""Where a remote's pull requests live: host, owner and name, read from its address."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from cash.faults import UsageFault
from cash.hub.refs import list_refs
from cash.hub.repository import Repository

_SCP = re.compile(r"(?:[^@/:]+@)?([^/:@]+):(?!//)(.+)")
_SCHEMES = ("https", "http", "ssh", "git", "git+ssh", "ssh+git")
_WORD = re.compile(r"[\w.-]+")


@dataclass(frozen=True, slots=True)
class Forge:
    """host: without port and user. owner, name: of the repository there."""

    host: str
    owner: str
    name: str

    def compare_page(self, base: str, branch: str) -> str:
        """The page on which a person opens the pull request by hand."""
        span = f"{quote(base, safe='/')}...{quote(branch, safe='/')}"
        return f"https://{self.host}/{self.owner}/{self.name}/compare/{span}?expand=1"


def read_address(url: str) -> Forge | None:
    """The forge behind a remote's address; None for a folder, a file, or no owner/name."""
    host, path = "", ""
    if "://" in url:
        parts = urlsplit(url)
        if parts.scheme.lower() in _SCHEMES:
            host, path = parts.hostname or "", parts.path
    elif match := _SCP.fullmatch(url):
        host, path = match[1], match[2]
    words = path.strip("/").removesuffix(".git").split("/")
    if not host or len(words) != 2 or not all(map(_WORD.fullmatch, words)):
        return None
    return Forge(host.lower(), words[0], words[1])


def list_remotes(repository: Repository) -> Mapping[str, str]:
    """The user's remotes: name → address, as it is written."""
    out = repository.git.run("config", "-z", "--get-regexp", r"^remote\..*\.url$", fine=(0, 1))
    pairs = [os.fsdecode(item).partition("\n") for item in out.split(b"\0")[:-1]]
    return {key.removeprefix("remote.").removesuffix(".url"): url for key, _, url in pairs}


def choose_remote(repository: Repository, wanted: str | None) -> tuple[str, str]:
    """The remote's name and address: the one of that name, else origin, else the only one.
    UsageFault says how to add one."""
    remotes = list_remotes(repository)
    where = f"git -C {shlex.quote(str(repository.root))} remote add"
    if wanted is not None:
        if wanted not in remotes:
            known = f"known: {', '.join(remotes)}; or " if remotes else ""
            raise UsageFault(f"there is no remote {wanted!r}", hint=f"{known}{where} {wanted} URL")
        return wanted, remotes[wanted]
    if not remotes:
        raise UsageFault(
            f"{repository.root} has no remote to push to",
            hint=f"{where} origin https://github.com/YOU/{repository.root.name}.git",
        )
    name = "origin" if "origin" in remotes else next(iter(remotes))
    if name != "origin" and len(remotes) > 1:
        raise UsageFault(
            f"there are several remotes: {', '.join(remotes)}", hint="--remote names the one"
        )
    return name, remotes[name]


def default_base(repository: Repository, remote: str) -> str:
    """The branch that a pull request there is for: the remote's own default as last heard, else
    the user's branch if it is there, else main."""
    place = f"refs/remotes/{remote}/"
    refs = {ref.name: ref for ref in list_refs(repository, place)}
    head = refs.get(f"{place}HEAD")
    if head is not None and head.symbolic.startswith(place):
        return head.symbolic.removeprefix(place)
    _, out, _ = repository.git.try_run("symbolic-ref", "-q", "--short", "HEAD")
    mine = os.fsdecode(out).strip()
    return mine if f"{place}{mine}" in refs else "main"
