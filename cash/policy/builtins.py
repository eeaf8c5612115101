"""Commands that bash carries out itself: no exec follows at which their real words are judged."""

from __future__ import annotations

from typing import Final

# bash(1), SHELL BUILTIN COMMANDS, without those that only print, and `exec` and `command`, after
# which a program starts.
BUILTINS: Final = frozenset(
    (
        *(".", "source", "eval", "alias", "unalias", "bind", "builtin", "cd", "pushd", "popd"),
        *("declare", "typeset", "local", "readonly", "export", "unset", "set", "shopt", "enable"),
        *("trap", "kill", "ulimit", "umask", "hash", "read", "mapfile", "readarray", "printf"),
        *("getopts", "let", "coproc", "complete", "compgen", "fc", "history", "disown"),
    )
)
