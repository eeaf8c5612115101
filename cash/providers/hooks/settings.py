"""polis' hooks in a program's settings file: put in, taken out, all else left as it is.

What is polis' is known by its command, `…/polis hook PROVIDER`: JSON has no room for a mark.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from cash.faults import UsageFault

INSIDE: Final = "/run/polis/bin/polis"
_OURS: Final = re.compile(r"(?:^|.*/)polis'? hook [a-z]+(?: [A-Za-z]+)?")
_COMMANDS: Final = ("command", "bash")


def put_in(current: bytes, template: bytes, program: str = INSIDE) -> bytes:
    """The settings with polis' hooks, once. current: b"" for none. program: what to call.
    UsageFault when the settings cannot be read: they are not overwritten."""
    values = _read(take_out(current) if current else b"")
    wanted = json.loads(template.replace(INSIDE.encode(), json.dumps(program)[1:-1].encode()))
    hooks = values.setdefault("hooks", {})
    for event, groups in wanted.pop("hooks").items():
        hooks[event] = [*hooks.get(event, ()), *groups]
    return _write({**wanted, **values})


def take_out(current: bytes) -> bytes:
    """The settings without polis' hooks; b"" when nothing else is in there. UsageFault as above."""
    values = _read(current)
    hooks = values.get("hooks", {})
    for event in list(hooks):
        if not isinstance(hooks[event], list):
            continue
        hooks[event] = [left for group in hooks[event] if (left := _without(group)) is not None]
        if not hooks[event]:
            del hooks[event]
    if not hooks:
        values.pop("hooks", None)
    return _write(values) if values.keys() - {"version"} else b""


def holds(current: bytes) -> bool:
    """Whether polis' hooks are in there."""
    return bool(current) and take_out(current) != (_write(_read(current)))


def _without(group: Any) -> Any:
    """What is left of one entry; None for nothing. An entry is a command or a group of them."""
    if not isinstance(group, dict):
        return group
    if any(_OURS.fullmatch(str(group.get(name, ""))) for name in _COMMANDS):
        return None
    inner = group.get("hooks")
    if not isinstance(inner, list):
        return group
    left = [one for one in inner if _without(one) is not None]
    return {**group, "hooks": left} if left or not inner else None


def _read(current: bytes) -> dict[str, Any]:
    try:
        values = json.loads(current or b"{}")
    except (ValueError, RecursionError) as fault:
        raise UsageFault(f"it is no JSON: {fault}", hint="mend the file first") from fault
    if not isinstance(values, dict) or not isinstance(values.get("hooks", {}), dict):
        raise UsageFault("its hooks are not as that program has them", hint="mend the file first")
    return values


def _write(values: dict[str, Any]) -> bytes:
    return json.dumps(values, indent=2, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"
