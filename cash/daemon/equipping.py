"""polis' hooks and its skill in an agent's own settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cash.content import content_folder
from cash.faults import UsageFault
from cash.providers.hooks import PROTOCOLS
from cash.providers.hooks.event import Protocol
from cash.providers.hooks.settings import put_in, take_out
from cash.providers.settling import read_settled, remove_settled, settle_files
from cash.workspace.agent import Agent

if TYPE_CHECKING:
    from cash.daemon.hosting import Hosted


def equip(hosted: Hosted, agent: Agent, provider: str) -> list[str]:
    """Puts polis' hooks and its skill into the agent's home, for that provider's program; again is
    fine. The files, from the home. Fault when they cannot be written: nothing depends on them."""
    protocol = find_protocol(provider)
    template = (content_folder("hooks") / protocol.template).read_bytes()
    settings = put_in(read_settled(agent.home, protocol.place) or b"", template)
    files = {protocol.place: settings}
    if protocol.skill:
        files[protocol.skill] = (content_folder("hooks") / "SKILL.md").read_bytes()
    owner = (hosted.repository.owner.uid, hosted.repository.owner.gid)
    settle_files(agent.home, files.items(), owner, whole=True)
    return list(files)


def strip(hosted: Hosted, agent: Agent, provider: str) -> list[str]:
    """Takes them out again; what was changed."""
    protocol = find_protocol(provider)
    current = read_settled(agent.home, protocol.place) or b""
    left = take_out(current) if current else b""
    owner = (hosted.repository.owner.uid, hosted.repository.owner.gid)
    changed = [protocol.place] if left != current else []
    if left:
        settle_files(agent.home, [(protocol.place, left)], owner, whole=True)
    else:
        remove_settled(agent.home, protocol.place)
    if protocol.skill and remove_settled(agent.home, protocol.skill):
        changed.append(protocol.skill)
    return changed


def find_protocol(provider: str) -> Protocol:
    """UsageFault that lists what there is when there is none."""
    if provider not in PROTOCOLS:
        known = ", ".join(PROTOCOLS)
        raise UsageFault(f"polis knows no hooks of {provider!r}", hint=f"one of {known}")
    return PROTOCOLS[provider]
