"""The frame Codex puts around a line: 38 kB of fixed text, told without reading it as bash.

    __CODEX_SNAPSHOT_OVERRIDE_SET_0="${NAME+x}"
    __CODEX_SNAPSHOT_OVERRIDE_0="${NAME-}"
    …
    if . '….codex/shell_snapshots/….sh' >/dev/null 2>&1; then :; fi

    if [ -n "${__CODEX_SNAPSHOT_OVERRIDE_SET_0}" ]; then …; else …; fi
    …
    exec '/bin/bash' -c '<line>' ['argument'…]

It saves variables, sources what its own login shell looked like, puts them back and runs the line.
Every byte is accounted for: a variable gets no value but the one it had.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

MARK: Final = "__CODEX_SNAPSHOT_"

_SAVED: Final = re.compile(r'(__CODEX_SNAPSHOT_\w+)="\$\{((?!__CODEX_)\w+)(\+x|-)\}"\n', re.ASCII)
_SOURCED: Final = re.compile(
    r"\n*if \. '/[^'\n]*/shell_snapshots/[\w.-]+\.sh' >/dev/null 2>&1; then :; fi\n\n*", re.ASCII
)
# As versions before the end of 2025 put a variable back, and as later ones do.
_RESTORED: Final = re.compile(
    r'if \[ -n "\$\{(?P<is_set>__CODEX_SNAPSHOT_\w+)\}" \]; then'
    r"(?: export (?P<early>\w+)="
    r'"\$\{(?P<was>__CODEX_SNAPSHOT_\w+)\}"; else unset (?P=early); fi\n'
    r'|\n  if \[ -z "\$\{(?P<name>\w+)\+x\}" \] \|\| \[ "\$\{(?P=name)-\}" != '
    r'"\$\{(?P<value>__CODEX_SNAPSHOT_\w+)\}" \]; then '
    r'export (?P=name)="\$\{(?P=value)\}"; else export (?P=name); fi\n'
    r"else builtin unset (?P=name) 2>/dev/null \|\| command unset (?P=name); fi\n"
    r"builtin unset (?P=is_set) (?P=value) 2>/dev/null "
    r"\|\| command unset (?P=is_set) (?P=value)\n)",
    re.ASCII,
)
_PROXIES: Final = re.compile(
    r'if \[ -n "\$(?P<is_set>__CODEX_SNAPSHOT_\w+)" \] '
    r'\|\| \[ -n "\$\{(?P<name>\w+)\+x\}" \]; then\n',
    re.ASCII,
)
_PROXIES_END: Final = re.compile(r"fi\n")
# Its own programs come first: apply_patch, and a ripgrep.
_PATH: Final = re.compile(
    r'if \[ -n "\$\{PATH:-\}" \]; then '
    r"export PATH=(?P<folder>'/[^'\n]*/(?:codex-)?path')"
    r':"\$PATH"; '
    r"else export PATH=(?P=folder); fi\n"
)
_RUN: Final = re.compile(
    r"\n*exec '(?P<shell>/(?:[\w.-]+/)*(?:bash|zsh|sh))' (?P<option>-l?c)"
    r"(?P<words>(?: '[^']*+'(?:\"'\"'[^']*+')*+)++)\n?",
    re.ASCII,
)
_WORD: Final = re.compile(r" ('[^']*+'(?:\"'\"'[^']*+')*+)")


@dataclass(frozen=True, slots=True)
class Run:
    """What the frame becomes: argv of a shell. start: where its text stands, as it was typed, in
    the frame; None: it is quoted there."""

    argv: tuple[str, ...]
    start: int | None


def find_run(text: str) -> Run | None:
    """What such a frame runs; None: the text is none."""
    saved: dict[str, tuple[str, str]] = {}
    position = 0
    while (found := _SAVED.match(text, position)) and found[1] not in saved:
        saved[found[1]] = (found[2], found[3])
        position = found.end()
    if not saved or not (found := _SOURCED.match(text, position)):
        return None
    position = _skip_restored(text, found.end(), saved)
    if found := _PROXIES.match(text, position):
        if saved.get(found["is_set"]) != (found["name"], "+x"):
            return None
        position = _skip_restored(text, found.end(), saved)
        if not (found := _PROXIES_END.match(text, position)):
            return None
        position = found.end()
    if found := _PATH.match(text, position):
        position = found.end()
    return _run(_RUN.fullmatch(text, position))


def _skip_restored(text: str, position: int, saved: dict[str, tuple[str, str]]) -> int:
    """Behind what puts variables back, as far as each gets the value it had."""
    while found := _RESTORED.match(text, position):
        name = found["name"] or found["early"]
        value = found["value"] or found["was"]
        if saved.get(found["is_set"]) != (name, "+x") or saved.get(value) != (name, "-"):
            break
        position = found.end()
    return position


def _run(found: re.Match[str] | None) -> Run | None:
    if found is None:
        return None
    words = [word[1] for word in _WORD.finditer(found["words"])]
    texts = [word[1:-1].replace("'\"'\"'", "'") for word in words]
    is_plain = f"'{texts[0]}'" == words[0]
    start = found.start("words") + 2 if is_plain else None
    return Run((found["shell"], found["option"], *texts), start)
