"""The user's remotes: which there are, what of them an agent's git is told, and what may be asked
of them.

What an agent asks for are names of remotes, refs and objects, each of which is looked at here:
none becomes an option, another address or a key of git's configuration.
"""

from __future__ import annotations

import os
import re
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from cash.faults import UsageFault
from cash.hub.repository import Repository

HUB = "hub"
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._/+-]{0,199}")
_KEY = re.compile(r"remote\.(.+)\.url", re.DOTALL)
# Without the private characters that stand for unknown ones where rules are asked.
_REF = re.compile(r"refs(?:/(?!\.)[^\x00-\x20\x7f\ue000-\uf8ff~^:?*\[\\/]+(?<!\.lock)(?<!\.))+")
# What is shown as the source of a push, and judged with it: neither an option nor a refspec.
_SOURCE = re.compile(r"[A-Za-z0-9_@][A-Za-z0-9._/@{}^~-]{0,199}")
_OBJECT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_LONGEST_REF = 1000
_FLAGS = ("dry-run", "atomic")


@dataclass(frozen=True, slots=True)
class Remote:
    """A remote the user has configured. url: its address as configured, a password included."""

    name: str
    url: str = field(repr=False)

    @property
    def shown(self) -> str:
        """The address without a password: all that an agent hears of it."""
        return without_password(self.url)


@dataclass(frozen=True, slots=True)
class Move:
    """What one ref of a remote is to become. object: "" to delete it. source: what the agent
    calls the object. forced: even when that takes commits away."""

    target: str
    object: str
    source: str = ""
    forced: bool = False

    @property
    def refspec(self) -> str:
        """As rules and people read it."""
        return f"{'+' if self.forced else ''}{self.source if self.object else ''}:{self.target}"

    @property
    def order(self) -> str:
        """As git in the hub is told it: the very object that the agent's git named."""
        return f"{'+' if self.forced else ''}{self.object}:{self.target}"


def list_remotes(repository: Repository) -> tuple[Remote, ...]:
    """The remotes of the hub that an agent can reach by name, in the order of the user's
    configuration."""
    listed = repository.git.run("config", "-z", "--get-regexp", r"^remote\..*\.url$", fine=(0, 1))
    found: dict[str, Remote] = {}
    for item in listed.split(b"\0")[:-1]:
        key, _, url = os.fsdecode(item).partition("\n")
        match = _KEY.fullmatch(key)
        if match and _NAME.fullmatch(match[1]) and ".." not in match[1] and url:
            found.setdefault(match[1], Remote(match[1], url))
    return tuple(found.values())


def find_remote(remotes: Iterable[Remote], name: str, address: str) -> Remote | None:
    """The remote at that very address, by preference of that name: an agent may have given the
    name of one to another. Without an address, the remote of that name."""
    known = [one for one in remotes if address in ("", one.name, one.url, one.shown)]
    named = next((one for one in known if one.name == name), None)
    return named or next((one for one in known if address in (one.url, one.shown)), None)


def hub_name(remotes: Container[str]) -> str:
    """The remote's name inside for the hub's own branches, beside the user's of these names."""
    return HUB if HUB not in remotes else f"polis-{HUB}"


def configure_remotes(remotes: Sequence[Remote]) -> str:
    """What an agent's git reads: each remote by its name, and by its address, is reached by
    `git-remote-polis`, which asks polisd. `fetch --all` and the like take each once."""
    text = ""
    for one in remotes:
        fetch = f"+refs/heads/*:refs/remotes/{one.name}/*"
        text += section(
            f"remote {quoted(one.name)}", {"url": one.shown, "fetch": fetch, "vcs": "polis"}
        )
    # git takes no configured name that begins with a slash.
    for address in dict.fromkeys(one.shown for one in remotes if not one.shown.startswith("/")):
        text += section(
            f"remote {quoted(address)}",
            {"url": address, "vcs": "polis", "skipFetchAll": "true", "skipDefaultUpdate": "true"},
        )
    return text


def without_password(url: str) -> str:
    """The address without user and password; ssh's user stays, it is no secret."""
    return re.sub(r"^(https?|ftps?)://[^/@]*@", r"\1://", url, flags=re.IGNORECASE)


def check_ref(name: str) -> str:
    """The full name of a ref, if it is one that can be. UsageFault."""
    fine = _REF.fullmatch(name) and ".." not in name and "@{" not in name
    if not fine or len(name) > _LONGEST_REF:
        raise UsageFault(f"{_plain(name)} is no name of a ref")
    return name


def check_wanted(name: str) -> str:
    """What may be fetched: a ref in full, HEAD, or a commit by its id. UsageFault."""
    return name if name == "HEAD" or _OBJECT.fullmatch(name) else check_ref(name)


def check_object(text: str) -> str:
    """The id of an object. UsageFault."""
    if not _OBJECT.fullmatch(text):
        raise UsageFault(f"{_plain(text)} is no object")
    return text


def read_move(force: str, object: str, source: str, target: str) -> Move:
    """What an agent's git asks for; force: "+" or "". UsageFault when it cannot be."""
    shown = source if _SOURCE.fullmatch(source) else object
    return Move(
        check_ref(target),
        check_object(object) if object else "",
        shown,
        force == "+",
    )


def flags_of(options: Sequence[str]) -> tuple[str, ...]:
    """git's own options for a push; each value is one of a kind that is known."""
    found: list[str] = []
    for option in options:
        key, _, value = option.partition("=")
        if key in _FLAGS and value == "true":
            found.append(f"--{key}")
        elif key == "cas":
            target, _, expected = value.rpartition(":")
            found.append(f"--force-with-lease={check_ref(target)}:{check_object(expected)}")
        elif key == "push-option":
            found.append(f"--push-option={value}")
    return tuple(found)


def results_of(moves: Sequence[Move], out: bytes) -> Mapping[str, str]:
    """Of `push --porcelain`: target → "" or why not, for each that was told of."""
    targets = {one.target for one in moves}
    found: dict[str, str] = {}
    for line in out.decode(errors="replace").splitlines():
        fields = line.split("\t")
        target = fields[1].rpartition(":")[2] if len(fields) == 3 else ""
        if target in targets:
            found[target] = _reason(fields[2]) if fields[0] == "!" else ""
    return found


def _reason(summary: str) -> str:
    """git's word in the brackets, as git's own helpers say it."""
    inner = summary.rpartition("(")[2].removesuffix(")") or summary
    return "non-fast forward" if inner == "non-fast-forward" else inner


def section(header: str, values: Mapping[str, str]) -> str:
    """A section of a git configuration."""
    return f"[{header}]\n" + "".join(f"\t{key} = {quoted(text)}\n" for key, text in values.items())


def quoted(value: str) -> str:
    """A value or a subsection as git reads it."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + escaped.replace("\n", "\\n").replace("\t", "\\t") + '"'


_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")


def _plain(text: str) -> str:
    return repr(_CONTROLS.sub("?", text[:100]))
