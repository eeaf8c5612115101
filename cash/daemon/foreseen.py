"""Connections that a person allowed with the line that makes them."""

from __future__ import annotations

from collections.abc import Iterable

_Named = tuple[str, frozenset[tuple[str, int]]]


class Foreseen:
    """What lines that a person let through name as hosts: while such a line runs, nobody is asked
    about them a second time. Kept in memory only: after a restart they are asked about."""

    def __init__(self) -> None:
        self._hosts: dict[str, _Named] = {}
        self._asked: dict[str, _Named] = {}

    def ask(self, number: str, agent: str, hosts: Iterable[tuple[str, int]]) -> None:
        """A person is asked about the line; `settle` says what became of it."""
        self._asked[number] = (agent, frozenset(hosts))

    def settle(self, number: str, *, allowed: bool) -> None:
        """The line that was asked about may run, or may not."""
        agent, hosts = self._asked.pop(number, ("", frozenset()))
        if allowed:
            self.allow(number, agent, hosts)

    def allow(self, number: str, agent: str, hosts: Iterable[tuple[str, int]]) -> None:
        """The line `number` of the agent may reach these hosts, each with its port."""
        if named := frozenset((host.lower(), port) for host, port in hosts):
            self._hosts[number] = (agent, named)

    def covers(self, agent: str, host: str, port: int) -> bool:
        """Whether a line that runs now names the host."""
        wanted = (host.lower(), port)
        return any(one == agent and wanted in hosts for one, hosts in self._hosts.values())

    def end(self, number: str) -> None:
        """The line has ended."""
        self._hosts.pop(number, None)

    def end_all(self, agent: str) -> None:
        """Nothing of the agent runs any more."""
        for lines in (self._hosts, self._asked):
            for number in [number for number, one in lines.items() if one[0] == agent]:
                del lines[number]
