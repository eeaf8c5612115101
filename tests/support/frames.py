"""What agent CLIs put around a line."""

from __future__ import annotations


def quoted(line: str) -> str:
    return "'" + line.replace("'", "'\"'\"'") + "'"


def claude(line: str, *, more: str = "") -> str:
    return (
        "source /home/u/.claude/shell-snapshots/snapshot-bash-1790452891926-09cuz2.sh"
        " 2>/dev/null || true && shopt -u extglob 2>/dev/null || true && "
        f"{more}eval {quoted(line)} < /dev/null && pwd -P >| /tmp/claude-e51c-cwd"
    )


UNSET = (
    "{ \\builtin unalias -- 'unsetenv'; \\builtin unset -f -- 'unsetenv'; } >/dev/null 2>&1"
    " || true && "
)


def saved(name: str, variable: str) -> str:
    return (
        f'__CODEX_SNAPSHOT_{name.format("_SET")}="${{{variable}+x}}"\n'
        f'__CODEX_SNAPSHOT_{name.format("")}="${{{variable}-}}"\n'
    )


def put_back(name: str, variable: str) -> str:
    is_set, value = (f"__CODEX_SNAPSHOT_{name.format(one)}" for one in ("_SET", ""))
    return (
        f'if [ -n "${{{is_set}}}" ]; then\n'
        f'  if [ -z "${{{variable}+x}}" ] || [ "${{{variable}-}}" != "${{{value}}}" ]; then '
        f'export {variable}="${{{value}}}"; else export {variable}; fi\n'
        f"else builtin unset {variable} 2>/dev/null || command unset {variable}; fi\n"
        f"builtin unset {is_set} {value} 2>/dev/null || command unset {is_set} {value}\n"
    )


OWN = [(f"OVERRIDE{{}}_{at}", name) for at, name in enumerate(("CODEX_THREAD_ID", "CODEX_V"))]
PROXY = [(f"PROXY_OVERRIDE{{}}_{at}", name) for at, name in enumerate(("ALL_PROXY", "ws_proxy"))]


def codex(line: str) -> str:
    """As 0.169.0 writes it, with fewer variables."""
    return (
        "".join(saved(*one) for one in (*OWN, *PROXY))
        + '__CODEX_SNAPSHOT_PROXY_ENV_SET="${CODEX_PROXY_ACTIVE+x}"\n\n'
        + "if . '/home/u/.codex/shell_snapshots/01-a.17.sh' >/dev/null 2>&1; then :; fi\n\n"
        + "".join(put_back(*one) for one in OWN)
        + 'if [ -n "$__CODEX_SNAPSHOT_PROXY_ENV_SET" ] || [ -n "${CODEX_PROXY_ACTIVE+x}" ]; then\n'
        + "".join(put_back(*one) for one in PROXY)
        + 'fi\nif [ -n "${PATH:-}" ]; then '
        + "export PATH='/n/@openai/codex-linux-x64/vendor/x86_64/codex-path':\"$PATH\"; "
        + "else export PATH='/n/@openai/codex-linux-x64/vendor/x86_64/codex-path'; fi\n\n"
        + f"exec '/bin/bash' -c {quoted(line)}"
    )


def early_codex(line: str) -> str:
    """As versions before it wrote it."""
    return (
        saved(*OWN[0])
        + "\nif . '/home/u/.codex/shell_snapshots/01-a.sh' >/dev/null 2>&1; then :; fi\n\n"
        + 'if [ -n "${__CODEX_SNAPSHOT_OVERRIDE_SET_0}" ]; then export CODEX_THREAD_ID='
        + '"${__CODEX_SNAPSHOT_OVERRIDE_0}"; else unset CODEX_THREAD_ID; fi\n'
        + f"\nexec '/bin/bash' -c {quoted(line)}"
    )


def gemini(line: str) -> str:
    return (
        "shopt -u promptvars nullglob extglob nocaseglob dotglob; "
        "_bgpids_file=/tmp/gemini-shell-DJy1jL/bgpids.tmp\n(\n"
        f"  trap 'jobs -p > \"$_bgpids_file\"' EXIT\n{line}\n)\n__code=$?\nexit $__code"
    )
