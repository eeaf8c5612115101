"""Git LFS as git inside is told of it: through polisd, as the user's remotes are."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import Final

from cash.hub.lfs import is_installed
from cash.hub.remotes import Remote, hub_name, quoted, section, without_password
from cash.hub.repository import Repository

# How git-lfs calls the helper inside, and what it calls the place that helper reaches.
_HELPER: Final = "polis"
_ADDRESS: Final = "polis::lfs"
_FILTER: Final = {
    "clean": "git-lfs clean -- %f",
    "smudge": "git-lfs smudge -- %f",
    "process": "git-lfs filter-process",
    "required": "true",
}


def configure_lfs(repository: Repository) -> str:
    """What git inside reads, in every repository: the filters, as `git lfs install` writes them,
    and the helper for whatever is reached through polisd. Nothing where git-lfs is missing."""
    if not is_installed(repository):
        return ""
    helper = {"path": "git-remote-polis", "args": "--lfs", "concurrent": "false"}
    text = section('filter "lfs"', _FILTER)
    text += section(f"lfs {quoted(f'customtransfer.{_HELPER}')}", helper)
    for address in (_ADDRESS, *_own_addresses(repository)):
        text += section(f"lfs {quoted(address)}", {"standalonetransferagent": _HELPER})
    return text


def configure_objects(remotes: Sequence[Remote]) -> str:
    """What the agent's git reads beside its remotes: the objects of each are reached through
    polisd, and where nothing says of which, it is the hub."""
    text = section("remote", {"lfsdefault": hub_name([one.name for one in remotes])})
    for one in remotes:
        for name in dict.fromkeys((one.name, one.shown)):
            if not name.startswith("/"):
                text += section(f"remote {quoted(name)}", {"lfsurl": _ADDRESS})
    return text


def _own_addresses(repository: Repository) -> list[str]:
    """The servers that the user has named, in their configuration or in the .lfsconfig of their
    checkout, as git-lfs writes them."""
    found: list[str] = []
    for where in ((), ("--file", str(repository.root / ".lfsconfig"))):
        words = ("config", *where, "-z", "--get-regexp", r"^lfs\.(push)?url$")
        _, out, _ = repository.git.try_run(*words)
        urls = [os.fsdecode(item).partition("\n")[2] for item in out.split(b"\0")[:-1]]
        found += [_as_endpoint(without_password(url)) for url in urls]
    return [url for url in dict.fromkeys(found) if url and not re.search(r"\s", url)]


def _as_endpoint(url: str) -> str:
    """ssh's addresses stand for https there, and paths for file."""
    if url.startswith("/"):
        return f"file://{url}"
    match = re.fullmatch(r"(?:ssh|git\+ssh|ssh\+git)://(?:[^@/]*@)?([^/:]+)(?::\d+)?(/.*)?", url)
    match = match or re.fullmatch(r"(?![a-z0-9+.-]+://)(?:[^@/]*@)?([^/:]+):(.*)", url)
    return f"https://{match[1]}/{(match[2] or '').lstrip('/')}" if match else url
