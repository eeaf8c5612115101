"""Git configuration that a command carries with it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Final

from cash.policy.glob import UNKNOWN
from cash.policy.value import value_of
from cash.syntax.command import Assignment

# Variables that stand for a configuration key and win over it (git(1)).
_VARIABLES: Final = {
    "GIT_SSH_COMMAND": "core.sshcommand",
    "GIT_SSH": "core.sshcommand",
    "GIT_PAGER": "core.pager",
    "GIT_EDITOR": "core.editor",
    "GIT_SEQUENCE_EDITOR": "sequence.editor",
    "GIT_EXTERNAL_DIFF": "diff.external",
    "GIT_PROXY_COMMAND": "core.gitproxy",
    "GIT_ASKPASS": "core.askpass",
    "GIT_DIR": "core.gitdir",
    "GIT_WORK_TREE": "core.worktree",
    "GIT_EXEC_PATH": "core.execpath",
    "GIT_TEMPLATE_DIR": "init.templatedir",
}
_FILES: Final = ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG")


def normalise_key(key: str) -> str:
    """Lower case: section and name are; a subsection is compared so as well, which only widens."""
    return key.strip().lower()


def split_setting(text: str) -> tuple[str, str]:
    """`-c KEY=VALUE`; without `=` it is true."""
    key, equals, value = text.partition("=")
    return normalise_key(key), value if equals else "true"


def add_setting(config: dict[str, str], key: str, value: str) -> None:
    """One more setting. Of a key that git takes several values of, all are kept, one a line."""
    if is_list(key) and key in config:
        value = f"{config[key]}\n{value}"
    config[key] = value


def is_list(key: str) -> bool:
    """Whether git obeys every value of the key, not the last alone. Only those that change what
    a command does to refs."""
    return key.startswith("remote.") and key.endswith(".push")


def assigned(assignments: Sequence[Assignment]) -> dict[str, str]:
    """Assignments in front of a command, as texts."""
    return {one.name: value_of(one.value, {}).text for one in assignments}


def environment_config(given: Mapping[str, str]) -> dict[str, str]:
    """What GIT_CONFIG_COUNT/KEY/VALUE, GIT_CONFIG_PARAMETERS and their like set. given: variables
    by name."""
    found: dict[str, str] = {}
    for name, text in given.items():
        if name in _VARIABLES:
            found[_VARIABLES[name]] = text
        elif name.startswith("GIT_CONFIG_KEY_"):
            value = given.get("GIT_CONFIG_VALUE_" + name.removeprefix("GIT_CONFIG_KEY_"), UNKNOWN)
            add_setting(found, normalise_key(text), value)
        elif name == "GIT_CONFIG_PARAMETERS":
            for key, value in _parameters(text):
                add_setting(found, key, value)
        elif name in _FILES and text != "/dev/null":
            found["include.path"] = text
    return found


def _parameters(text: str) -> list[tuple[str, str]]:
    try:
        words = shlex.split(text)
    except ValueError:
        return [(UNKNOWN, UNKNOWN)]
    return [split_setting(word) for word in words]
