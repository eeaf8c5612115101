"""What a git command really asks of refs: the effective refspecs, remote and branches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from cash.policy.arguments import Arguments
from cash.policy.glob import ANY

_HEADS: Final = "refs/heads/"
# Operations whose first argument names a branch, or whose arguments all do.
_TARGETS: Final = frozenset(("checkout", "switch"))
_NAMING: Final = frozenset(("branch",))


def _words(arguments: Arguments) -> list[str]:
    return [value.text for value, _ in arguments.positionals]


def _has(arguments: Arguments, *names: str) -> bool:
    groups = {name for one in names for name in arguments.usage.aliases.get(one, (one,))}
    return any(
        flag.name in groups
        or (len(flag.name) > 4 and any(name.startswith(flag.name) for name in groups))
        for flag in arguments.flags
    )


def remote_of(
    operation: str, arguments: Arguments, config: Mapping[str, str], branch: str
) -> str | None:
    """The remote's name, or a URL; None for operations that have none."""
    words = _words(arguments)
    match operation:
        case "push" | "fetch" | "pull" | "ls-remote":
            given = [f.value.text for f in arguments.flags if f.name == "--repo" and f.value]
            if words or given:
                return (words or given)[0]
            return _default_remote(operation, config, branch)
        case "clone":
            return words[0] if words else None
        case "remote":
            return words[1] if len(words) > 1 else None
        case _:
            return None


def _default_remote(operation: str, config: Mapping[str, str], branch: str) -> str:
    keys = [f"branch.{branch.lower()}.remote"]
    if operation == "push":
        keys = [f"branch.{branch.lower()}.pushremote", "remote.pushdefault", *keys]
    return next((config[key] for key in keys if key in config), "origin")


def refspecs_of(
    operation: str, arguments: Arguments, config: Mapping[str, str], branch: str
) -> tuple[str, ...]:
    """As `[+]SOURCE:TARGET`, target in full (`refs/heads/main`); `:TARGET` deletes."""
    words = _words(arguments)
    if operation in ("fetch", "pull"):
        return tuple(words[1:])
    if operation != "push":
        return ()
    forced = "+" if _has(arguments, "--force") else ""
    remote = remote_of(operation, arguments, config, branch) or "origin"
    if _has(arguments, "--mirror") or config.get(f"remote.{remote.lower()}.mirror") == "true":
        return (f"+{ANY}:{ANY}",)
    if _has(arguments, "--all", "--branches"):
        return (f"{forced}{_HEADS}{ANY}:{_HEADS}{ANY}",)
    given = _joined_tags(words[1:])
    if _has(arguments, "--delete"):
        return tuple(f":{_full(one)}" for one in given)
    if not given:
        given = _configured(config, remote, branch)
    found = [_effective(one, forced, branch) for one in given]
    if _has(arguments, "--tags"):
        found.append(f"{forced}refs/tags/{ANY}:refs/tags/{ANY}")
    return tuple(found)


def _joined_tags(words: Sequence[str]) -> list[str]:
    """`tag v1` is `refs/tags/v1:refs/tags/v1`."""
    found: list[str] = []
    index = 0
    while index < len(words):
        if words[index] == "tag" and index + 1 < len(words):
            index += 1
            found.append(f"refs/tags/{words[index]}:refs/tags/{words[index]}")
        else:
            found.append(words[index])
        index += 1
    return found


def _configured(config: Mapping[str, str], remote: str, branch: str) -> list[str]:
    """Without refspecs: remote.X.push, else what push.default says of the current branch."""
    given = config.get(f"remote.{remote.lower()}.push")
    if given is not None:
        return given.split("\n")
    default = config.get("push.default", "simple")
    merge = config.get(f"branch.{branch.lower()}.merge")
    if default in ("upstream", "tracking") and merge is not None:
        return [f"{branch}:{merge}"]
    if default == "matching":
        return [f"{_HEADS}{ANY}:{_HEADS}{ANY}"]
    return [] if default == "nothing" else [branch or "HEAD"]


def _effective(given: str, forced: str, branch: str) -> str:
    plus = "+" if given.startswith("+") else forced
    source, colon, target = given.removeprefix("+").partition(":")
    if not colon:
        target = branch if source in ("HEAD", "@") else source
    if not source and not target:
        return f"{plus}{_HEADS}{ANY}:{_HEADS}{ANY}"  # `:` pushes matching branches
    return f"{plus}{source}:{_full(target)}"


def _full(name: str) -> str:
    name = name.removeprefix("+").removeprefix(":")
    if name.startswith("refs/") or name[:1] == ANY:
        return name
    return f"refs/{name}" if name.startswith(("heads/", "tags/")) else _HEADS + name


def branches_of(operation: str, arguments: Arguments, refspecs: Sequence[str]) -> tuple[str, ...]:
    """The branches an operation touches; empty: the current one."""
    words = _words(arguments)
    if operation in ("push", "fetch", "pull"):
        targets = [one.rpartition(":")[2] for one in refspecs]
        return tuple(_short(one) for one in targets if one.startswith((_HEADS, ANY)))
    if operation in _TARGETS:
        named = [flag.value.text for flag in arguments.flags if flag.value and flag.name in _NEW]
        return tuple(named or words[:1])
    if operation in _NAMING:
        return tuple(words)
    if operation in ("update-ref", "symbolic-ref"):
        return tuple(_short(one) for one in words[:1] if one.startswith(_HEADS))
    return ()


_NEW: Final = frozenset(("-b", "-B", "-c", "-C", "--create", "--force-create", "--orphan"))


def _short(name: str) -> str:
    return name.removeprefix(_HEADS)
