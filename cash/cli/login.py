"""A provider's own login, in a home of its own."""

from __future__ import annotations

import contextlib
import getpass
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType

from cash.cli.providers import program as find_program
from cash.faults import Fault, UsageFault
from cash.places import Places
from cash.providers.accounts import (
    check_key,
    keep_key,
    keep_login,
    read_credentials,
)
from cash.providers.facets import Account
from cash.providers.login_homes import new_login_home
from cash.providers.manifest import Manifest
from cash.shell.signals import die_of

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
# polis is told to end: so long has the program to tidy up before it is killed.
_ENDING_SECONDS = 2.0


def log_in(places: Places, manifest: Manifest) -> None:
    """Runs the program's login on this terminal and keeps what it leaves. Fault when it leaves
    nothing; the account there was stays then. UsageFault where there is no terminal to ask at."""
    account = _account(manifest)
    if account.login is None:
        raise UsageFault(
            f"{manifest.description} has no login of its own",
            hint=f"polis agents login {manifest.name} --key" if account.key else None,
        )
    program = find_program(manifest)
    if not account.login_input and not sys.stdin.isatty():
        again = f"polis agents login {manifest.name}"
        key = f", or with an API key: {again} --key <file-with-the-key"
        raise UsageFault(
            f"the login of {manifest.description} asks at a terminal, and there is none",
            hint=f"at a terminal: {again}{key if account.key or account.key_login else ''}",
        )
    with _ending_tidily(), new_login_home(places, manifest.name) as (home, lock):
        status = _run([program, *account.login], manifest, home, lock)
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
    argv = [find_program(manifest), *account.key_login]
    with _ending_tidily(), new_login_home(places, manifest.name) as (home, lock):
        status = _run_with_key(argv, manifest, home, lock, key)
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


class _Told(BaseException):
    """polis was told to end. args: the signal."""


@contextlib.contextmanager
def _ending_tidily() -> Iterator[None]:
    """SIGTERM and SIGHUP end what is inside, which tidies up, and then polis itself."""
    numbers = [
        number
        for number in (signal.SIGTERM, signal.SIGHUP)
        if signal.getsignal(number) != signal.SIG_IGN  # nohup
    ]

    def tell(number: int, _frame: FrameType | None) -> None:
        for one in numbers:  # once: what tidies up is not interrupted
            signal.signal(one, signal.SIG_IGN)
        raise _Told(number)

    before = {number: signal.signal(number, tell) for number in numbers}
    try:
        yield
    except _Told as told:
        die_of(told.args[0])
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _run(argv: Sequence[str], manifest: Manifest, home: Path, lock: int) -> int:
    """Runs the login in that home, on polis' own terminal or standard input. lock: a descriptor
    that it inherits."""
    sys.stdout.flush()
    with (
        _left_to_it() if sys.stdin.isatty() else contextlib.nullcontext(),
        subprocess.Popen(
            argv, cwd=home, env=_environment(manifest, home), pass_fds=[lock]
        ) as running,
    ):
        try:
            return running.wait()
        except BaseException as told:
            running.send_signal(told.args[0] if isinstance(told, _Told) else signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                running.wait(_ENDING_SECONDS)
            running.kill()
            raise


def _run_with_key(argv: Sequence[str], manifest: Manifest, home: Path, lock: int, key: str) -> int:
    """The same with the key as standard input; what it says is shown only when it fails."""
    ran = subprocess.run(
        argv,
        input=key.encode(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=home,
        env=_environment(manifest, home),
        pass_fds=[lock],
        check=False,
    )
    if ran.returncode:
        sys.stderr.write(ran.stdout.decode("utf-8", "replace").replace(key, "***"))
    return ran.returncode


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
