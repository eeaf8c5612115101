"""Hosts as rules name them: on label boundaries, and addresses in whatever spelling."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from cash.policy.certainty import MAYBE, NO, YES, Certainty
from cash.policy.glob import NAME, UNKNOWN, compile_glob, has_holes, overlap
from cash.policy.pattern import PatternError

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_NUMBER = re.compile(r"(0x[0-9a-f]*|\d+)\Z")


@dataclass(frozen=True, slots=True)
class HostPattern:
    """One of: a network; a domain with everything below it; a name or glob."""

    network: Network | None = None
    below: str = ""
    glob: str = ""

    def test(self, host: str) -> Certainty:
        """host: from normalise_host; may have holes."""
        if self.network is not None:
            if has_holes(host):
                return MAYBE
            address = address_of(host)
            return YES if address is not None and address in self.network else NO
        if has_holes(host):
            tokens = self.glob or UNKNOWN + self.below
            return MAYBE if overlap(host, tokens) else NO
        if self.below:
            return YES if host == self.below[1:] or host.endswith(self.below) else NO
        if not has_holes(self.glob):
            return YES if host == self.glob else NO
        return YES if overlap(self.glob, host) else NO


def compile_host(source: str) -> HostPattern:
    """`github.com`, `.github.com`, `*.internal`, `10.0.0.0/8`, `::1`. Raises PatternError."""
    if "://" in source or ("/" in source and not source[:1].isdigit() and ":" not in source):
        raise PatternError("a host pattern is a name or a network, not a URL")
    if "/" in source:
        try:
            return HostPattern(network=ipaddress.ip_network(source, strict=False))
        except ValueError as error:
            raise PatternError(f"bad network: {error}") from None
    address = address_of(normalise_host(source))
    if address is not None:
        return HostPattern(network=ipaddress.ip_network(address))
    name = _ascii(source.lower().rstrip("."))
    if name.startswith("."):
        return HostPattern(below=name)
    return HostPattern(glob=compile_glob(name, star=NAME))


def normalise_host(host: str) -> str:
    """Lower case, no final dot, no brackets, letters of other scripts as IDNA; an address in
    its usual spelling."""
    name = _ascii(host.lower().strip("[]").rstrip("."))
    address = address_of(name)
    return str(address) if address is not None else name


def _ascii(name: str) -> str:
    if name.isascii() or has_holes(name):
        return name
    try:
        return name.encode("idna").decode("ascii")
    except UnicodeError:
        return name


@lru_cache(maxsize=1024)
def address_of(host: str) -> Address | None:
    """The address host spells, also as inet_aton(3) reads it (`0x7f.1`, `2130706433`)."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return _classic(host)
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _classic(host: str) -> Address | None:
    parts = host.split(".")
    if len(parts) > 4 or not all(_NUMBER.match(part) for part in parts):
        return None
    try:
        numbers = [_number(part) for part in parts]
    except ValueError:
        return None
    last = numbers.pop()
    if any(number > 255 for number in numbers) or last >= 256 ** (4 - len(numbers)):
        return None
    high = sum(number << (24 - 8 * place) for place, number in enumerate(numbers))
    return ipaddress.IPv4Address(high + last)


def _number(text: str) -> int:
    if text.startswith("0x"):
        return int(text[2:] or "0", 16)
    return int(text, 8) if text.startswith("0") and len(text) > 1 else int(text)


def is_loopback(host: str) -> bool:
    """Whether host is this machine, which inside the walls is the agent's own."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    address = address_of(host)
    return address is not None and (address.is_loopback or address.is_unspecified)


@dataclass(frozen=True, slots=True)
class PortPattern:
    """first..last, both included."""

    first: int
    last: int


def compile_port(source: str) -> PortPattern:
    """`443` or `8000-8999`. Raises PatternError."""
    first, dash, last = source.partition("-")
    if not first.isdigit() or (dash and not last.isdigit()):
        raise PatternError("a port is a number or a range such as 8000-8999")
    found = PortPattern(int(first), int(last or first))
    if not 0 < found.first <= found.last < 65536:
        raise PatternError("a port is between 1 and 65535")
    return found


def test_host(host: str, patterns: Sequence[HostPattern]) -> Certainty:
    """The surest of the patterns."""
    return max((pattern.test(host) for pattern in patterns), default=NO)
