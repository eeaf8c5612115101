"""What a person allowed with a line: while it runs, nobody is asked about that a second time."""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass

from cash.policy.glob import ANY
from cash.policy.verdict import Decision, Grant, Verdict

# The operation, the remote, the refspec.
Far = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Promise:
    """hosts: the connections a line names, each with its port. grants: its commands. rules: those
    that asked about it; what another rule asks about, nobody has allowed. far: what its gits ask
    of remotes."""

    hosts: frozenset[tuple[str, int]] = frozenset()
    grants: tuple[Grant, ...] = ()
    rules: frozenset[str] = frozenset()
    far: tuple[Far, ...] = ()


def promise_of(verdict: Verdict) -> Promise:
    """What is allowed with the line of this verdict; nothing of one that nobody was asked about."""
    if verdict.decision is not Decision.ASK:
        return Promise()
    return Promise(
        frozenset((host.lower(), port) for host, port in verdict.hosts),
        verdict.grants,
        frozenset(one.rule for one in verdict.matches if one.decision is Decision.ASK),
        verdict.far,
    )


class Promises:
    """By line. Kept in memory only: after a restart they are asked about."""

    def __init__(self) -> None:
        self._made: dict[str, tuple[str, Promise]] = {}
        self._asked: dict[str, tuple[str, Promise]] = {}

    def ask(self, number: str, agent: str, promise: Promise) -> None:
        """A person is asked about the line; `settle` says what became of it."""
        self._asked[number] = (agent, promise)

    def settle(self, number: str, *, allowed: bool) -> None:
        """The line that was asked about may run, or may not."""
        agent, promise = self._asked.pop(number, ("", Promise()))
        if allowed:
            self.allow(number, agent, promise)

    def allow(self, number: str, agent: str, promise: Promise) -> None:
        """The line `number` of the agent may do what it says."""
        if promise != Promise():
            self._made[number] = (agent, promise)

    def covers(self, agent: str, host: str, port: int) -> bool:
        """Whether a line that runs now names the host."""
        wanted = (host.lower(), port)
        return any(one == agent and wanted in made.hosts for one, made in self._made.values())

    def grants(
        self,
        agent: str,
        lines: Container[str],
        argv: tuple[str, ...],
        cwd: str,
        rules: frozenset[str],
    ) -> bool:
        """Whether one of these lines, while it runs, was allowed this very command although just
        these rules ask about it."""
        return any(
            one == agent and number in lines and rules <= made.rules and _names(made, argv, cwd)
            for number, (one, made) in self._made.items()
        )

    def permits(self, agent: str, lines: Container[str], rules: frozenset[str]) -> bool:
        """Whether a person was asked by all these rules about one of these lines, and let it run.
        Which files a line writes shows only when it does: what is bound here are the rules."""
        return any(
            one == agent and number in lines and rules <= made.rules
            for number, (one, made) in self._made.items()
        )

    def foretells(self, agent: str, wanted: Iterable[Far], rules: frozenset[str]) -> bool:
        """Whether a line that runs now, about which just these rules were asked, says all that
        git wants of a remote. Which process wants it is not known."""
        needs = tuple(wanted)
        return any(
            one == agent
            and rules <= made.rules
            and all(any(_says(said, need) for said in made.far) for need in needs)
            for one, made in self._made.values()
        )

    def end(self, number: str) -> None:
        """The line has ended, and what was let through below it."""
        below = f"{number}/"
        for line in [line for line in self._made if line == number or line.startswith(below)]:
            del self._made[line]

    def end_all(self, agent: str) -> None:
        """Nothing of the agent runs any more."""
        for lines in (self._made, self._asked):
            for number in [number for number, one in lines.items() if one[0] == agent]:
                del lines[number]


def _names(promise: Promise, argv: tuple[str, ...], cwd: str) -> bool:
    """A script's own name reaches the keeper as the path it was found under."""
    name = argv[0].rpartition("/")[2]
    return any(
        grant.argv[1:] == argv[1:]
        and grant.cwd in (cwd, None)
        and (grant.argv[0] == argv[0] or ("/" not in grant.argv[0] and grant.argv[0] == name))
        for grant in promise.grants
        if grant.argv
    )


def _says(said: Far, need: Far) -> bool:
    """Whether who allowed the one has allowed the other: no more is forced or deleted, and no
    other ref moves. By what name the agent calls the commit does not matter."""
    operation, remote, refspec = need
    if said[1] != remote or (said[0], operation) not in _SAME:
        return False
    if operation != "push":
        return True
    (forced, source, target), (force, gives, place) = _split(refspec), _split(said[2])
    prefix, any_, _ = place.partition(ANY)
    fits = target.startswith(prefix) if any_ else target == place
    return fits and (force or not forced) and (bool(source) or not gives or gives == place == ANY)


_SAME = frozenset((("push", "push"), ("fetch", "fetch"), ("pull", "fetch")))


def _split(refspec: str) -> tuple[bool, str, str]:
    source, _, target = refspec.removeprefix("+").partition(":")
    return refspec.startswith("+"), source, target
