"""Node's package managers."""

from __future__ import annotations

import json
from pathlib import Path

from route import Content, Copy, Forbidden, Route, Symlink, Text

# pnpm comes into the tree with the route: inside, only the system's folders are seen.
_PNPM = Path(__file__).parents[3] / ".tools/node_modules/pnpm"


def list_routes(forbidden: Forbidden) -> dict[str, Route]:
    """The routes of this family."""
    return _npm(forbidden) | (_pnpm(forbidden) if _PNPM.is_dir() else {})


def _package(**scripts: str) -> Content:
    return Text(json.dumps({"name": "x", "version": "1.0.0", "scripts": scripts}))


def _npm(forbidden: Forbidden) -> dict[str, Route]:
    line, argument = forbidden.line, forbidden.argument
    local: dict[str, Content] = {
        "package.json": _package(),
        "node_modules/.bin/innocent": Symlink(forbidden.path),
    }
    # What npm prints besides goes to its log, and the log into the folder.
    quiet = ("--silent", "--cache=./cache", "--no-update-notifier")
    return {
        "npm run": Route(
            ("npm", "run", *quiet, "go"), {"package.json": _package(go=line)}, ("npm",)
        ),
        "npm test": Route(("npm", "test", *quiet), {"package.json": _package(test=line)}),
        "npm pre script": Route(
            ("npm", "run", *quiet, "go"), {"package.json": _package(prego=line, go="true")}
        ),
        "npm install script": Route(
            ("npm", "install", *quiet, "--offline", "--foreground-scripts"),
            {"package.json": _package(postinstall=line)},
        ),
        "npx of a local program": Route(
            ("npx", "--no", *quiet, "--", "innocent", argument), local, ("npx",)
        ),
        "npx -c": Route(("npx", *quiet, "-c", line), {"package.json": _package()}),
        "npm exec": Route(("npm", "exec", "--no", *quiet, "--", "innocent", argument), local),
    }


def _pnpm(forbidden: Forbidden) -> dict[str, Route]:
    pnpm: dict[str, Content] = {
        f"pnpm/{name}": Copy(f"{_PNPM}/{name}")
        for name in ("package.json", "bin/pnpm.cjs", "dist/pnpm.cjs", "dist/worker.js")
    }
    start = ("node", "pnpm/bin/pnpm.cjs", "--silent")
    return {
        "pnpm exec": Route(
            (*start, "exec", forbidden.name, forbidden.argument),
            {"package.json": _package()} | pnpm,
        ),
        "pnpm run": Route(
            (*start, "run", "go"), {"package.json": _package(go=forbidden.line)} | pnpm
        ),
    }
