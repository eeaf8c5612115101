"""A remote that wants the user's password: polisd's git knows it, nothing inside ever does."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from desk import Desk
from homecoming import commit, work
from running import start, until
from served import PASSWORD, USER, serve_http

pytestmark = pytest.mark.kernel


@pytest.fixture
def address(desk: Desk) -> Iterator[str]:
    """`origin` of the user's repository, served by http; its address."""
    git, served = desk.installation.git, desk.installation.folder / "served"
    served.mkdir()
    git(desk.repository, "clone", "-q", "--bare", str(desk.repository), str(served / "shop.git"))
    with serve_http(served) as base:
        git(desk.repository, "remote", "add", "origin", f"{base}/shop.git")
        yield f"{base}/shop.git"


def test_the_users_credential_helper_is_asked_outside(desk: Desk, address: str) -> None:
    _know_password(desk, PASSWORD)
    tip = commit(desk, "a.txt", "a\n")
    ran = desk.line("git push origin agent/alice && git fetch origin && git ls-remote origin")
    assert ran.status == 0, ran.err
    assert f"{tip}\trefs/heads/agent/alice" in ran.out
    said = work(
        desk, "git config --list --show-origin; env; git remote -v; cat /run/polis/door/remotes"
    )
    journal = desk.polis("log", "--json", "--limit", "1000").out
    assert address in said
    assert PASSWORD not in said + journal + ran.out + ran.err
    # By its address it is the same remote.
    assert tip in work(desk, f"git ls-remote {address} agent/alice")


def test_without_the_password_it_says_so(desk: Desk, address: str) -> None:
    _know_password(desk, "wrong")
    ran = desk.line("git fetch origin")
    assert (ran.status, "wrong" in ran.err) == (128, False)
    assert f"fatal: Authentication failed for '{address}/'" in ran.err
    desk.installation.git(desk.repository, "config", "--global", "--unset", "credential.helper")
    ran = desk.line("git fetch origin")
    assert ran.status == 128
    assert "could not read Username" in ran.err


def test_a_server_that_never_answers_keeps_one_command_and_nothing_of_the_hub(desk: Desk) -> None:
    git = desk.installation.git
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        git(desk.repository, "remote", "add", "origin", f"git://127.0.0.1:{port}/shop.git")
        running = start(desk, "git push origin HEAD:refs/heads/x")
        try:
            server.settimeout(30)
            waiting, _ = server.accept()
            commit(desk, "a.txt", "a\n")
            # The whole hub can be had meanwhile, and the remote's own configuration too.
            for words in ("gc", "-q"), ("remote", "set-url", "origin", "git://127.0.0.1:1/x"):
                ran = desk.polis("git", *words)
                assert ran.status == 0, ran.err
            assert running.poll() is None
            running.send_signal(signal.SIGINT)
            running.communicate(timeout=20)
            with waiting:
                waiting.settimeout(20)
                asked = iter(lambda: waiting.recv(1 << 16), b"")  # to its end
                assert b"/shop.git" in b"".join(asked)
        finally:
            running.kill()
            running.communicate()
    until(lambda: not desk.pids("git://127.0.0.1"))


def _know_password(desk: Desk, password: str) -> None:
    store = Path(desk.installation.folder / "credentials")
    store.write_text(f"#!/bin/sh\necho username={USER}\necho password={password}\n")
    store.chmod(0o755)
    desk.installation.git(desk.repository, "config", "--global", "credential.helper", str(store))
