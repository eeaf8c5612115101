"""Where something listens, told from outside by the kernel's own tables."""

from __future__ import annotations

import os
import socket
from contextlib import ExitStack

from cash.sessions.ports import listening_ports


def test_only_what_listens_is_listed_each_port_once() -> None:
    with ExitStack() as stack:
        one = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        port = one.getsockname()[1]
        both = stack.enter_context(socket.create_server(("::1", port), family=socket.AF_INET6))
        bound = stack.enter_context(socket.socket())
        bound.bind(("127.0.0.1", 0))
        joined = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
        before = _all_but_ours(port)
        found = listening_ports(os.getpid(), before)
        assert found == (port,)
        assert both.getsockname()[1] == port
        others = {bound.getsockname()[1], joined.getsockname()[1]}
        assert not others & set(found)
    assert listening_ports(os.getpid(), before) == ()


def test_of_many_the_lowest_are_listed() -> None:
    with ExitStack() as stack:
        made = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(40)]
        ports = sorted(one.getsockname()[1] for one in made)
        others = frozenset(range(1, 65536)) - frozenset(ports)
        assert listening_ports(os.getpid(), others) == tuple(ports[:16])


def test_what_has_ended_listens_nowhere() -> None:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    assert listening_ports(pid) == ()


def _all_but_ours(port: int) -> frozenset[int]:
    """Other programs of the machine may listen as well."""
    return frozenset(range(1, 65536)) - {port}
