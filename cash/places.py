"""Where polis keeps things: state, runtime sockets, configuration (design §7)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cash.faults import MachineFault

# sun_path holds 108 bytes with its NUL (unix(7)); names below the runtime folder take up to 24.
_LONGEST_SOCKET_FOLDER = 107 - 24


@dataclass(frozen=True, slots=True)
class Places:
    """The three roots of one user's polis; nothing is created by asking."""

    state: Path
    runtime: Path
    config: Path

    @property
    def socket(self) -> Path:
        """polisd's socket for the user's own programs; never inside an agent's walls."""
        return self.runtime / "polisd.sock"

    @property
    def token(self) -> Path:
        """The operator's token, 0600: what decides, asks for it."""
        return self.state / "token"


def find_places(environment: Mapping[str, str]) -> Places:
    """The XDG places of `environment`. XDG_RUNTIME_DIR is often unset for root and in CI:
    then /run/user/UID if it is the user's, else a folder in the state."""
    home = Path(environment.get("HOME") or os.path.expanduser("~"))
    state = _absolute(environment.get("XDG_STATE_HOME"), home / ".local/state") / "polis"
    config = _absolute(environment.get("XDG_CONFIG_HOME"), home / ".config") / "polis"
    runtime = _runtime(environment.get("XDG_RUNTIME_DIR"), state)
    if len(os.fsencode(runtime)) > _LONGEST_SOCKET_FOLDER:
        raise MachineFault(
            f"the runtime folder {runtime} is too long for a socket",
            hint="set XDG_RUNTIME_DIR to a shorter folder of your own",
        )
    return Places(state=state, runtime=runtime, config=config)


def _absolute(value: str | None, fallback: Path) -> Path:
    # The XDG specification: relative values are to be ignored.
    return Path(value) if value and value.startswith("/") else fallback


def _runtime(value: str | None, state: Path) -> Path:
    if value and value.startswith("/") and _is_mine(value):
        return Path(value) / "polis"
    usual = f"/run/user/{os.geteuid()}"
    return Path(usual) / "polis" if _is_mine(usual) else state / "run"


def _is_mine(folder: str) -> bool:
    try:
        found = os.stat(folder)
    except OSError:
        return False
    return found.st_uid == os.geteuid()
