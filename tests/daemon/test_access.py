"""Who may give polisd orders."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import sys

import pytest
from desk import Desk
from privilege import needs_root

from cash import wire
from cash.daemon.client import call
from cash.faults import Fault
from cash.places import find_places


def test_an_order_without_the_token_is_refused(desk: Desk) -> None:
    places = find_places(desk.installation.environment)
    for token in ("", "x" * 64):
        with socket.socket(socket.AF_UNIX) as endpoint:
            endpoint.connect(os.fspath(places.socket))
            said = json.dumps({"verb": "agents.list", "token": token}).encode()
            wire.send_frame(endpoint, wire.CALL, said)
            _, payload, _ = wire.receive_frame(endpoint)
        assert "only from its user" in json.loads(payload)["fault"]["message"]
    assert call(places, "ping")["version"]


def test_a_run_without_the_token_is_refused(desk: Desk) -> None:
    places = find_places(desk.installation.environment)
    request = wire.RunRequest(
        token=b"wrong", agent="alice", cwd=b"/", mode="argv", arguments=(b"touch", b"x")
    )
    with socket.socket(socket.AF_UNIX) as endpoint, open(os.devnull, "r+b") as null:
        endpoint.connect(os.fspath(places.socket))
        wire.send_frame(endpoint, wire.RUN, request.encode(), [null.fileno()] * 3)
        frames = [wire.receive_frame(endpoint)[:2] for _ in range(2)]
    assert frames[1] == (wire.EXIT, b"125")
    assert not (desk.tree / "x").exists()


def test_nonsense_costs_the_nonsense_only(desk: Desk) -> None:
    places = find_places(desk.installation.environment)
    for said in (
        b"",
        b"\0" * 5,
        b"R\xff\xff\xff\xff",
        b"J\0\0\0\x02{]",
        b"Z\0\0\0\0",
        b"J\0\0\0\x04",
    ):
        with socket.socket(socket.AF_UNIX) as endpoint:
            endpoint.connect(os.fspath(places.socket))
            endpoint.sendall(said)
    with pytest.raises(Fault, match="does not know"):
        call(places, "no.such.verb")
    assert desk.line("true").status == 0


def test_what_decides_is_for_its_user_alone(desk: Desk) -> None:
    places = find_places(desk.installation.environment)
    for path, mode in ((places.token, 0o600), (places.state, 0o700), (places.runtime, 0o700)):
        assert stat.S_IMODE(path.stat().st_mode) == mode, path
    assert stat.S_IMODE((desk.state / "store.db").stat().st_mode) == 0o600


def test_nothing_that_decides_is_seen_from_inside(desk: Desk) -> None:
    places = find_places(desk.installation.environment)
    script = "import os,sys\nprint([p for p in sys.argv[1:] if os.path.lexists(p)])"
    (desk.tree / "look.py").write_text(script)
    hidden = [places.token, places.socket, places.runtime, desk.state / "store.db"]
    ran = desk.polis("exec", "alice", "--", "python3", "look.py", *map(str, hidden))
    assert (ran.status, ran.out) == (0, "[]\n")


_NEW_NAMESPACE = ("unshare", "--pid", "--fork", *(("--user",) if os.geteuid() else ()))


@needs_root
def test_a_process_of_another_pid_namespace_is_no_user_of_it(desk: Desk) -> None:
    """Even with the token and the socket in hand: the same uid inside walls is not the user."""
    places = find_places(desk.installation.environment)
    script = (
        "import os\n"
        "from cash.daemon.client import call\nfrom cash.places import find_places\n"
        "try: print(call(find_places(os.environ), 'agents.list', start=False))\n"
        "except Exception as fault: print(fault)\n"
    )
    ran = subprocess.run(
        [*_NEW_NAMESPACE, sys.executable, "-c", script],
        env=desk.installation.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "only from its user" in ran.stdout, ran.stderr
    assert places.socket.exists()
