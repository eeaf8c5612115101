"""Carrying an agent's commits into the hub (design §8).

`git upload-pack` runs inside the walls, on the agent's git directory; outside, git reads the
stream it sends, checks every object (transfer.fsckObjects) and that nothing is missing, and only
then do refs of the hub move. An agent that sends nonsense gets a refusal.
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Sequence
from dataclasses import replace

from cash.faults import Fault
from cash.hub.adoption import write_whole
from cash.hub.arrival import ImportReport, Refusal, Source, Update, move_branches, printable
from cash.hub.git import Git
from cash.hub.levels import WORKTREES, branch_ref, writing
from cash.hub.mutex import LONG_PATIENCE, hold_hub
from cash.hub.reading import RefsRead, read_refs
from cash.hub.refs import PREFIX, keep_more, keep_ref
from cash.hub.repository import Repository

__all__ = [
    "ImportReport",
    "Refusal",
    "Update",
    "fetch_commit",
    "fetch_objects",
    "import_commits",
    "refs_fingerprint",
]

# An agent that never ends its stream keeps only its own import waiting.
SECONDS = 120.0


def refs_fingerprint(agent: Source) -> str:
    """Changes whenever the agent's refs do. Reads files as bytes, starts no process."""
    return read_refs(agent.git_directory).fingerprint


def import_commits(
    repository: Repository,
    agent: Source,
    upload_pack: Sequence[str] | tuple[int, int],
    *,
    seconds: float = SECONDS,
) -> ImportReport:
    """Fetches the agent's branches and moves the hub's: its own branch under its own name,
    others as polis/<agent>/<name>; then the linked worktree's HEAD and index.

    upload_pack: the command that runs `git-upload-pack` inside, to which the git directory is
    added; or two descriptors of one that runs already: what it says, what it is told. Never
    raises for what an agent did: what could not be done is in the report."""
    started = time.monotonic()
    reading = read_refs(agent.git_directory)
    refused: list[Refusal] = []
    try:
        refused += _fetch(repository, agent, reading, upload_pack, seconds)
        own = (branch_ref(agent.branch), keep_ref(agent.name))
        need = writing(*own, shared=[WORKTREES])
        doing, who = "import of commits", agent.name
        with hold_hub(repository, need, doing, who=who, seconds=LONG_PATIENCE) as held:
            report = move_branches(held, agent, reading)
    except Fault as fault:
        refused.append(Refusal("*", fault.message))
        report = ImportReport()
    refused += report.refused
    if not refused:
        write_whole(agent.imported, reading.fingerprint.encode())
    took = time.monotonic() - started
    return replace(report, refused=tuple(refused), seconds=took)


def _command(upload_pack: Sequence[str] | tuple[int, int]) -> tuple[list[str], list[int]]:
    """The command git starts, and the descriptors it needs. A running upload-pack is reached
    through a relay: bash, because a plain sh takes no descriptor above 9 in a redirection."""
    words = [word for word in upload_pack if isinstance(word, str)]
    pipes = [pipe for pipe in upload_pack if isinstance(pipe, int)]
    if not pipes:
        return words, []
    said, told = pipes
    # The relay ends with what the agent says: git waits for that end, not for the other one's.
    script = f"cat <&0 >&{told} {said}<&- & exec cat <&{said} {told}>&-"
    return ["bash", "-c", script, "relay"], pipes


def _fetch(
    repository: Repository,
    agent: Source,
    reading: RefsRead,
    upload_pack: Sequence[str] | tuple[int, int],
    seconds: float,
) -> list[Refusal]:
    """Brings the objects and refs/polis/import/<agent>/…; what was left out."""
    place = f"{PREFIX}import/{agent.name}"
    refspecs = [f"+refs/heads/*:{place}/heads/*"]
    if reading.head and not reading.head.startswith("refs/"):
        refspecs.append(f"+HEAD:{place}/HEAD")
    reasons = _fetch_refs(repository, agent, refspecs, upload_pack, seconds)
    return [Refusal("*", reason) for reason in reasons]


def fetch_commit(
    repository: Repository,
    agent: Source,
    commit: str,
    upload_pack: Sequence[str] | tuple[int, int],
    *,
    seconds: float = SECONDS,
) -> None:
    """Brings one commit, which no ref need hold, with all it needs; it stays for as long as the
    agent does. Raises Fault."""
    fetch_objects(repository, agent, [commit], upload_pack, seconds=seconds)


def fetch_objects(
    repository: Repository,
    agent: Source,
    objects: Sequence[str],
    upload_pack: Sequence[str] | tuple[int, int],
    *,
    seconds: float = SECONDS,
) -> None:
    """The same with several commits or tags, by their ids."""
    reasons = _fetch_refs(repository, agent, objects, upload_pack, seconds)
    if reasons:
        raise Fault(f"the work of {agent.name} cannot be carried over: {reasons[0]}")
    need = writing(keep_ref(agent.name))
    doing, who = "import of commits", agent.name
    with hold_hub(repository, need, doing, who=who, seconds=LONG_PATIENCE) as held:
        keep_more(held, agent.name, objects)


def _fetch_refs(
    repository: Repository,
    agent: Source,
    refspecs: Sequence[str],
    upload_pack: Sequence[str] | tuple[int, int],
    seconds: float,
) -> list[str]:
    """Why nothing came, if nothing did."""
    command, descriptors = _command(upload_pack)
    status, _, err = _strict(repository.git).try_run(
        "fetch",
        "--quiet",
        "--no-tags",
        "--prune",
        "--no-write-fetch-head",
        "--no-recurse-submodules",
        "--no-auto-maintenance",
        f"--upload-pack={shlex.join(command)}",
        agent.git_directory,
        *refspecs,
        descriptors=descriptors,
        seconds=seconds,
    )
    return [] if status == 0 else _reasons(err)


def _strict(git: Git) -> Git:
    return replace(
        git,
        settings=(
            "transfer.fsckObjects=true",
            "fetch.fsckObjects=true",
            "fetch.writeCommitGraph=false",
            "fetch.showForcedUpdates=false",
            # A path is the only thing fetched here, whatever url.*.insteadOf makes of it.
            "protocol.allow=never",
            "protocol.file.allow=always",
        ),
    )


def _reasons(err: str) -> list[str]:
    lines = [line.strip() for line in err.splitlines()]
    told = [line for line in lines if line.startswith(("fatal:", "error:"))]
    plain = [line.partition(": ")[2] for line in told] or ["git fetch gave no reason"]
    return [printable(line) for line in dict.fromkeys(plain)][:5]
