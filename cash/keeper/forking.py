"""polisd's side of the zygote: starts it, has keepers made."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from cash.keeper import messages
from cash.keeper.estate import Estate
from cash.keeper.judging import Snapshot
from cash.keeper.link import KeeperLink, be_patient
from cash.keeper.messages import LinkEnded
from cash.walls.view import View, pack_view

_BOOT: Final = (
    "import sys; sys.path[:0] = sys.argv[2:]; "
    "from cash.keeper.zygote import main; main(int(sys.argv[1]))"
)
_CARRIED: Final = ("HOME", "LANG", "PATH", "TMPDIR")
_PACKAGE: Final = Path(__file__).resolve().parent.parent.parent


class Zygote:
    """The zygote process, started by start() and again by whoever finds it not alive."""

    def __init__(self, *, python: str = sys.executable, package: Path = _PACKAGE) -> None:
        self._python = python
        self._package = package
        self._process: subprocess.Popen[bytes] | None = None
        self._requests: socket.socket | None = None
        # Whether orphans() may still have something one day.
        self.is_heard = False

    @property
    def alive(self) -> bool:
        """Whether it can be asked; also collects it when it has died."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Its process id, 0 when it was never started."""
        return self._process.pid if self._process else 0

    def start(self) -> None:
        """Starts it, in some 30 ms; a spawn right after waits for it."""
        self.stop()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            # Where libraries lie besides: a policy's regular expressions are RE2's.
            paths = [str(self._package), *(path for path in sys.path if os.path.isabs(path))]
            command = [self._python, "-I", "-S", "-c", _BOOT, str(theirs.fileno()), *paths]
            self._process = subprocess.Popen(
                command,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                cwd="/",
                env=_without_secrets(),
            )
        self._requests = be_patient(ours)
        self.is_heard = True

    def fileno(self) -> int:
        """For an event loop: readable when orphans() has something; -1: it was never started."""
        return self._requests.fileno() if self._requests is not None else -1

    def orphans(self) -> list[tuple[int, dict[str, Any]]]:
        """Processes of keepers that were killed, which have ended: their pid, and how (as
        cash.keeper.processes.describe_end says it)."""
        found: list[tuple[int, dict[str, Any]]] = []
        while self._requests is not None:
            try:
                values, _ = messages.receive_packet(self._requests, flags=socket.MSG_DONTWAIT)
            except BlockingIOError:
                break
            except (LinkEnded, OSError):
                self.is_heard = False
                break
            found.append((values["pid"], values["end"]))
        return found

    def succeed(
        self,
        view: View,
        address: Path,
        estate: Estate,
        snapshot: Snapshot,
        claims: Sequence[Mapping[str, Any]] = (),
    ) -> KeeperLink:
        """Has a keeper made that takes the place of one that was killed. claims: what others hold
        of the agent's tree, packed. OSError."""
        link = self.spawn(view, address, succeeds=True)
        try:
            link.enforce(snapshot)
            link.claim(claims, whole=True)
            link.hand_down(estate)
        except OSError:
            link.close()
            raise
        return link

    def spawn(self, view: View, address: Path, *, succeeds: bool = False) -> KeeperLink:
        """Has a keeper made for `view`, listening at `address`; its link says Ready or
        Failed. Commands may be sent before. Starts the zygote when it is not alive."""
        if not self.alive:
            self.start()
        assert self._requests is not None
        address.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        values = {"view": pack_view(view), "address": str(address), "succeeds": succeeds}
        try:
            with theirs:
                try:
                    messages.send_packet(self._requests, values, [theirs.fileno()])
                except ConnectionError:  # it is just dying
                    self.start()
                    messages.send_packet(self._requests, values, [theirs.fileno()])
        except OSError:
            ours.close()
            raise
        return KeeperLink(ours)

    def stop(self) -> None:
        """Ends the zygote; keepers live on."""
        if self._requests is not None:
            self._requests.close()
            self._requests = None
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


def _without_secrets() -> dict[str, str]:
    """Of this process' environment what holds none: what zygotes fork may live on inside an agent's
    walls for a while (scribe.py), where a process' first environment can be read."""
    return {
        name: value
        for name, value in os.environ.items()
        if name in _CARRIED or name.startswith(("LC_", "XDG_"))
    }
