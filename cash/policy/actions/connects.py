"""Which hosts a command is about to speak to, as far as the line says so literally."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from cash.policy.action import Connect
from cash.policy.arguments import Arguments
from cash.policy.glob import has_holes
from cash.policy.subject import Subject
from cash.policy.value import likely_text, value_of

Endpoint = tuple[str, int]

_PORTS: Final = {
    name: port
    for port, names in (
        (80, "http ws"),
        (443, "https wss"),
        (22, "ssh scp sftp git+ssh ssh+git"),
        (9418, "git"),
        (21, "ftp"),
        (990, "ftps"),
        (69, "tftp"),
        (23, "telnet"),
        (70, "gopher"),
        (389, "ldap"),
        (445, "smb"),
        (873, "rsync"),
        (1883, "mqtt"),
        (2628, "dict"),
    )
    for name in names.split()
}
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)")
_SCP_LIKE = re.compile(r"(?:[^/:@\s]+@)?(\[[^\]]+\]|[^/:@\s]+):(?!//)")
_DEVICE = re.compile(r"/dev/(?:tcp|udp)/([^/]+)/(\d+)\Z")


def connects_of(subject: Subject) -> Iterator[Connect]:
    """The connections of one command. A host that a variable hides is judged when it is made.
    What a remote command connects to is another machine's affair."""
    command = subject.command
    if command is None or command.remote is not None:
        return
    seen: set[Endpoint] = set()
    for host, port in _endpoints(subject):
        if host and not has_holes(host) and (host, port) not in seen:
            seen.add((host, port))
            yield Connect(host, port, command)


def _endpoints(subject: Subject) -> Iterator[Endpoint]:
    command = subject.command
    for redirect in command.redirects if command is not None else ():
        found = _DEVICE.match(value_of(redirect.target, subject.scene.variables).text)
        if found is not None:
            yield found[1], int(found[2])
    for naming in subject.namings:
        reader = TALKERS.get(naming.name)
        if reader is not None:
            yield from reader(subject.arguments(naming, {}))
            return


def parse_url(text: str) -> Endpoint | None:
    """Host and port of a URL; None when it has none (`file:`), port 0 for an unknown scheme."""
    found = _URL.match(text)
    if found is None:
        return None
    scheme = found[1].lower()
    if scheme == "file":
        return None
    # In WHATWG URLs a backslash ends the host as well; curl takes the last `@`.
    authority = found[2].partition("\\")[0].rpartition("@")[2]
    return split_port(authority, _PORTS.get(scheme, 0))


def split_port(authority: str, default: int) -> Endpoint:
    """`host:port`, `[::1]:port` or a bare host."""
    if authority.startswith("["):
        host, _, rest = authority[1:].partition("]")
        port = rest.removeprefix(":")
    elif authority.count(":") == 1:
        host, _, port = authority.partition(":")
    else:
        host, port = authority, ""
    return host, int(port) if port.isascii() and port.isdigit() and len(port) < 6 else default


def parse_location(text: str) -> Endpoint | None:
    """A git or rsync location: a URL, or `user@host:path`."""
    if "://" in text:
        return parse_url(text)
    found = _SCP_LIKE.match(text)
    return (found[1].strip("[]"), 22) if found is not None else None


def _words(arguments: Arguments) -> list[str]:
    return [likely_text(value) for value, _ in arguments.positionals]


def _flag_values(arguments: Arguments, *names: str) -> Iterator[str]:
    for flag in arguments.flags:
        if flag.name in names and flag.value is not None:
            yield flag.value.text


def _urls(arguments: Arguments) -> Iterator[Endpoint]:
    """Arguments that are URLs; without a scheme it is http."""
    for text in (*_words(arguments), *_flag_values(arguments, "--url")):
        found = parse_url(text) if "://" in text else parse_url("http://" + text)
        if found is not None:
            yield found
    for text in _flag_values(arguments, "-x", "--proxy", "--preproxy", "--socks5"):
        found = parse_url(text) if "://" in text else split_port(text, 1080)
        if found is not None:
            yield found
    for text in _flag_values(arguments, "--connect-to", "--resolve"):
        yield from _redirected(text)


def _redirected(text: str) -> Iterator[Endpoint]:
    """curl's `HOST:PORT:HOST2:PORT2` and `HOST:PORT:ADDRESS`: where it really goes."""
    parts = text.split(":")
    if len(parts) >= 3 and parts[2]:
        port = parts[3] if len(parts) > 3 and parts[3].isdigit() else parts[1]
        yield parts[2].strip("[]"), int(port) if port.isdigit() else 0


def _flag_urls(arguments: Arguments) -> Iterator[Endpoint]:
    """Package managers: only what is plainly a URL."""
    values = [flag.value.text for flag in arguments.flags if flag.value is not None]
    for text in (*_words(arguments), *values):
        at = text.find("://")
        found = parse_url(text[text.rfind("+", 0, at) + 1 :]) if at > 0 else None
        if found is not None:
            yield found


def _ssh(arguments: Arguments) -> Iterator[Endpoint]:
    words = _words(arguments)
    port = next(_flag_values(arguments, "-p"), "22")
    for text in (*words[:1], *_flag_values(arguments, "-J")):
        for hop in text.split(","):
            plain = parse_url(hop) if "://" in hop else (hop.rpartition("@")[2], 22)
            if plain is not None:
                yield plain[0], int(port) if port.isdigit() else plain[1]


def _copy(arguments: Arguments) -> Iterator[Endpoint]:
    for text in _words(arguments):
        found = parse_location(text)
        if found is not None:
            yield found


def _netcat(arguments: Arguments) -> Iterator[Endpoint]:
    words = _words(arguments)
    if any(flag.name in ("-l", "--listen") for flag in arguments.flags) or not words:
        return
    port = words[1] if len(words) > 1 else "0"
    yield words[0], int(port) if port.isdigit() else 0


def _socat(arguments: Arguments) -> Iterator[Endpoint]:
    for text in _words(arguments):
        kind, _, rest = text.partition(":")
        if kind.upper() in _SOCAT:
            yield split_port(rest.partition(",")[0], 0)


_SOCAT = frozenset(
    (
        *("TCP", "TCP4", "TCP6", "TCP-CONNECT", "UDP", "UDP4", "UDP-CONNECT", "OPENSSL", "SSL"),
        *("OPENSSL-CONNECT", "SCTP", "UDP-SENDTO"),
    )
)

# How each program says where it connects.
TALKERS: Final[dict[str, Callable[[Arguments], Iterator[Endpoint]]]] = {
    **dict.fromkeys(("curl", "curlie", "wget", "aria2c", "axel", "lynx", "w3m", "links"), _urls),
    **dict.fromkeys(("http", "https", "xh", "lftp", "ftp", "fetch"), _flag_urls),
    **dict.fromkeys(("pip", "pip3", "uv", "npm", "pnpm", "yarn", "npx", "cargo", "go"), _flag_urls),
    **dict.fromkeys(("gem", "bundle", "poetry", "docker", "podman", "deno", "bun"), _flag_urls),
    **dict.fromkeys(("ssh", "mosh", "autossh"), _ssh),
    **dict.fromkeys(("scp", "sftp", "rsync"), _copy),
    **dict.fromkeys(("nc", "ncat", "netcat", "telnet"), _netcat),
    "socat": _socat,
}
