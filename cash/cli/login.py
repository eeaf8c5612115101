"""A provider's own login, in a home of its own."""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from cash.cli.providers import program as find_program
from cash.faults import Fault, UsageFault
from cash.places import Places
from cash.providers.accounts import (
    check_key,
    keep_key,
    keep_login,
    make_account_folder,
    read_credentials,
)
from cash.providers.facets import Account
from cash.providers.manifest import Manifest

# What a login needs of the user's surroundings: a terminal, a browser, a way out. Not the session
# bus: behind it is the desktop's keyring, where the program would keep what agents are to have.
_CARRIED = (
    *("PATH", "LANG", "TERM", "COLORTERM", "TZ", "DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY"),
    *("BROWSER", "XDG_RUNTIME_DIR", "SSH_CONNECTION", "SSH_TTY", "NO_COLOR"),
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE"),
)
_LONGEST_INPUT = 64 << 10
_LOGOUT_SECONDS = 20.0


def log_in(places: Places, manifest: Manifest) -> None:
    """Runs the program's login on this terminal and keeps what it leaves. Fault when it leaves
    nothing; the account there was stays then."""
    account = _account(manifest)
    if account.login is None:
        raise UsageFault(
            f"{manifest.description} has no login of its own",
            hint=f"polis agents login {manifest.name} --key" if account.key else None,
        )
    with _new_home(places, manifest) as home:
        status = _run(manifest, account.login, home)
        files, _ = read_credentials(account, home)
        if not files:
            raise Fault(
                f"{manifest.description} has left no credentials (it ended with {status}); "
                "nothing was changed",
                hint=f"polis agents login {manifest.name} again, or --key with an API key",
            )
        keep_login(places, manifest.name, home)


def take_key(places: Places, manifest: Manifest) -> None:
    """Reads an API key from standard input, unseen on a terminal, and stores it. For a program
    that wants it in a file, that program makes the file."""
    account = _account(manifest)
    if not account.key and account.key_login is None:
        raise UsageFault(f"{manifest.description} takes no API key")
    key = check_key(_read_key(manifest))
    if account.key_login is None:
        keep_key(places, manifest.name, key)
        return
    with _new_home(places, manifest) as home:
        status = _run(manifest, account.key_login, home, given=key)
        if status or not read_credentials(account, home)[0]:
            raise Fault(
                f"{manifest.description} did not take the key (it ended with {status}); "
                "nothing was changed"
            )
        keep_login(places, manifest.name, home, of_key=True)


def tell_provider(manifest: Manifest, home: Path) -> None:
    """Has the program say to its provider that the account is not used any more; what comes of
    it does not matter, for the account is forgotten in any case."""
    account = manifest.account
    if account is None or account.logout is None or not home.is_dir():
        return
    with contextlib.suppress(Fault, OSError, subprocess.TimeoutExpired):
        subprocess.run(
            [find_program(manifest), *account.logout],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=home,
            env=_environment(manifest, home),
            timeout=_LOGOUT_SECONDS,
            check=False,
        )


def tell_polisd(places: Places, provider: str) -> None:
    """Has agents' copies renewed, or taken away. polisd is started only where there may be
    agents; without it they have what is new from their next start on."""
    from cash.cli.calls import ask
    from cash.daemon.client import is_running
    from cash.hub.adoption import adopted_roots

    if is_running(places) or adopted_roots(places):
        ask("telling polisd", "accounts.changed", provider=provider)


def _account(manifest: Manifest) -> Account:
    if manifest.account is None:
        raise UsageFault(
            f"agents of provider {manifest.name} need no account"
            if not manifest.hosts
            else f"polis cannot keep an account of {manifest.description}",
        )
    return manifest.account


@contextlib.contextmanager
def _new_home(places: Places, manifest: Manifest) -> Iterator[Path]:
    """An empty HOME beside the account's own, gone again unless it became that."""
    folder = make_account_folder(places, manifest.name)
    home = Path(tempfile.mkdtemp(prefix="login-", dir=folder))
    try:
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)
        with contextlib.suppress(OSError):
            folder.rmdir()  # nothing came of it, and there was nothing before


def _run(manifest: Manifest, words: Sequence[str], home: Path, *, given: str = "") -> int:
    """Runs the program in that home. given: for its standard input, instead of the terminal; its
    output is shown only when it fails then."""
    argv = [find_program(manifest), *words]
    environment = _environment(manifest, home)
    if given:
        ran = subprocess.run(
            argv,
            input=given.encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=home,
            env=environment,
            check=False,
        )
        if ran.returncode:
            sys.stderr.write(ran.stdout.decode("utf-8", "replace").replace(given, "***"))
        return ran.returncode
    sys.stdout.flush()
    with _left_to_it():
        return subprocess.run(argv, cwd=home, env=environment, check=False).returncode


@contextlib.contextmanager
def _left_to_it() -> Iterator[None]:
    """Ctrl-C is the program's, which says what it means; polis then tidies up."""
    # Not ignored, which the program would inherit.
    before = signal.signal(signal.SIGINT, lambda _number, _frame: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _environment(manifest: Manifest, home: Path) -> dict[str, str]:
    carried = {name: os.environ[name] for name in _CARRIED if name in os.environ}
    own = {name: value for name, value in manifest.environment if "{" not in value}
    return {**carried, **own, "HOME": str(home)}


def _read_key(manifest: Manifest) -> str:
    if sys.stdin.isatty():
        return getpass.getpass(f"API key of {manifest.description} (not shown): ")
    return sys.stdin.read(_LONGEST_INPUT)
