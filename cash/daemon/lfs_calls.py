"""Objects of Git LFS that an agent's git-lfs asks for, or sends, and those of what it pushes.

The user's own git-lfs moves them, between the remote and the user's store; inside, git-lfs has
them of polisd, or leaves them where polisd takes them (cash/hub/lfs_carrying.py).
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from cash.faults import Fault, UsageFault
from cash.hub.lfs import check_large, find_store, is_installed, place_of, wish_for
from cash.hub.lfs_pushing import (
    fetch_words,
    find_missing,
    find_pushed,
    may_miss,
    missing_text,
    push_words,
)
from cash.hub.pushing import LFS_SECONDS
from cash.hub.remotes import list_remotes
from cash.hub.repository import Repository

if TYPE_CHECKING:
    from cash.daemon.remote_calls import Call, Target

_CHUNK: Final = 256 << 10


async def download(call: Call, fields: list[str]) -> int:
    """Hands an object in: the user's own, or what their git-lfs gets from the remote."""
    oid, size = fields
    wanted = check_large(oid, size)
    target = None if call.is_hub else await call.target()
    repository = target.repository if target else call.hosted.repository
    place = place_of(await asyncio.to_thread(find_store, repository), oid)
    if not place.is_file():
        status = await _get(call, target or await _usual(call), oid, wanted)
        if status:
            return status
    await _hand_in(call, place, oid, wanted)
    return 0


async def _usual(call: Call) -> Target:
    """Where the hub itself has objects from."""
    remotes = await asyncio.to_thread(list_remotes, call.hosted.repository)
    names = sorted((one.name for one in remotes), key="origin".__ne__)
    if not names:
        raise Fault("the user has no such object of Git LFS, and no remote to get it from")
    return await replace(call, name=names[0], address="").target()


async def _get(call: Call, target: Target, oid: str, size: int) -> int:
    """Has the user's git-lfs fetch it, if that is allowed; the status of a refusal."""
    began = time.monotonic()
    ruling = await call.judge(("git", "fetch", target.name))
    failed = "" if ruling.status else await _fetch(call, target, {oid: size})
    more = {"failed": failed} if failed else {}
    await call.journal("lfs-fetch", target.name, ruling, began, oid=oid, **more)
    if failed:
        raise Fault(f"{target.name} has not given {oid[:12]}: {failed}")
    return ruling.status


async def _fetch(call: Call, target: Target, wanted: Mapping[str, int]) -> str:
    """Why it could not be had."""
    _require(target.repository)
    wish = await asyncio.to_thread(wish_for, target.repository, wanted)
    ran = await call.run(fetch_words(target.remote, wish), target, seconds=LFS_SECONDS)
    if ran.status:
        return ran.word
    missing = await asyncio.to_thread(find_missing, target.repository, wanted)
    return "it is not there" if missing else ""


async def _hand_in(call: Call, place: Path, oid: str, size: int) -> None:
    digest, left = hashlib.sha256(), size
    with await asyncio.to_thread(place.open, "rb") as file:
        while chunk := await asyncio.to_thread(_read, file):
            digest.update(chunk)
            left -= len(chunk)
            if left < 0:
                break
            await call.listener.give(chunk)
    if left or digest.hexdigest() != oid:
        raise Fault(f"{place} is not what its name says", hint="git lfs fsck outside tells more")


def _read(file: BinaryIO) -> bytes:
    return file.read(_CHUNK)


async def upload(call: Call, fields: list[str]) -> int:
    """`git lfs push`: an object for a remote, judged as a push to it is."""
    oid, size, *options = fields
    check_large(oid, size)
    if call.is_hub:
        raise UsageFault("nothing is pushed to the hub: what you commit comes out by itself")
    began, target = time.monotonic(), await call.target()
    ruling = await call.judge(("git", "push", target.name))
    failed = ""
    if not ruling.status:
        await carry(call, target, options)
        if not place_of(await asyncio.to_thread(find_store, target.repository), oid).is_file():
            raise Fault(f"{oid[:12]} is not in lfs/objects of the git directory it is pushed from")
        failed = await _push(call, target, [oid], aloud=False)
    more = {"failed": failed} if failed else {}
    await call.journal("lfs-push", target.name, ruling, began, oid=oid, **more)
    if failed:
        raise Fault(f"{target.name}: {failed}")
    return ruling.status


async def upload_pushed(
    call: Call, target: Target, objects: Sequence[str], options: Sequence[str]
) -> str:
    """Sends what these commits need of Git LFS, once their push was judged and before their refs
    move; why that failed, if it did."""
    await carry(call, target, options)
    if not is_installed(target.repository):
        return ""  # nobody here has any
    names = (target.repository, target.remote, objects)
    wanted = await asyncio.to_thread(find_pushed, *names)
    missing = await asyncio.to_thread(find_missing, target.repository, wanted)
    if missing:
        await _fetch(call, target, missing)
        missing = await asyncio.to_thread(find_missing, target.repository, missing)
    if missing and not await asyncio.to_thread(may_miss, target.repository):
        return missing_text(missing)
    given = [oid for oid in wanted if oid not in missing]
    # Without a terminal git-lfs inside has said all there is to say.
    return await _push(call, target, given, aloud="progress=true" in options)


async def carry(call: Call, target: Target, options: Sequence[str]) -> None:
    """Takes the objects out of the git directory that is pushed from."""
    within = ""
    if target.repository != call.hosted.repository:
        own = call.agent.git_directory
        source = call.source(target, options)
        if not source.is_relative_to(own):
            raise UsageFault("of Git LFS polis takes what lies in a submodule of its tree alone")
        within = str(source.relative_to(own))
    carry_large = partial(call.hosted.importing.carry_large, call.agent, target.repository, within)
    carried = await carry_large()
    while carried.left and carried.taken:  # more than one look has time for
        carried = await carry_large()
    for line in carried.refused:
        await call.listener.tell(f"polis: the object {line}: it is not taken along\n")


async def _push(call: Call, target: Target, oids: Sequence[str], *, aloud: bool) -> str:
    """Why that failed, if it did."""
    if not oids:
        return ""
    _require(target.repository)
    given = "".join(f"{oid}\n" for oid in oids).encode()
    words = push_words(target.remote)
    ran = await call.run(words, target, given, seconds=LFS_SECONDS, aloud=aloud)
    return ran.word if ran.status else ""


def _require(repository: Repository) -> None:
    if not is_installed(repository):
        raise Fault("git-lfs is not installed", hint="outside: apt install git-lfs")
