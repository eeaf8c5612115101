"""What kind of program a process is, by what it is called: for people who look at a list."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

# By the name of the program, without a version at its end (python3.11, gcc-12). The first kinds
# tell more of what an agent does than the later ones: a test runner is started by node, which was
# started by a shell, which was started by the agent's own program.
_KINDS: Mapping[str, tuple[str, ...]] = {
    "test runner": ("pytest", "py.test", "jest", "vitest", "mocha", "ctest", "rspec", "phpunit"),
    "dev server": ("vite", "next", "webpack-dev-server", "uvicorn", "gunicorn", "flask", "nodemon"),
    "compiler": (
        *("cc", "gcc", "g++", "c++", "clang", "clang++", "cc1", "cc1plus", "ld", "rustc", "tsc"),
        *("javac", "go", "cargo", "make", "ninja", "cmake", "gmake", "bazel", "gradle", "mvn"),
    ),
    "package manager": ("npm", "pnpm", "yarn", "pip", "uv", "poetry", "apt-get", "gem", "bundle"),
    "git": ("git", "git-remote-polis"),
    "editor": ("vim", "nvim", "vi", "nano", "emacs"),
    "node": ("node", "nodejs", "deno", "bun"),
    "python": ("python", "pypy"),
    "shell": ("bash", "sh", "dash", "zsh", "fish", "cash"),
}
_BY_NAME = {name: kind for kind, names in _KINDS.items() for name in names}
_ORDER = [*_KINDS, "agent", "other"]
_INTERPRETERS = ("node", "python", "shell")
# `go test`, `npm run dev`: what the program is told to do says more than its name.
_BY_WORD: Mapping[tuple[str, str], str] = {
    ("go", "test"): "test runner",
    ("cargo", "test"): "test runner",
    ("npm", "test"): "test runner",
    ("pnpm", "test"): "test runner",
    ("yarn", "test"): "test runner",
    ("npm", "dev"): "dev server",
    ("pnpm", "dev"): "dev server",
    ("yarn", "dev"): "dev server",
    ("python", "http.server"): "dev server",
    ("python", "pytest"): "test runner",
    ("python", "unittest"): "test runner",
    ("python", "pip"): "package manager",
}


def kind_of(argv: Sequence[str], own: Sequence[str] = ()) -> str:
    """One of the kinds above, `agent` for the provider's own program, `other` for the rest. own:
    what that is called."""
    if not argv:
        return "other"
    names = [_plain(argv[0])]
    kind = _BY_NAME.get(names[0], "other")
    words = [word for word in argv[1:] if not word.startswith("-")]
    if kind in _INTERPRETERS and words:
        names.append(_plain(words[0]))  # a script: node …/bin/vitest
    if any(name in own for name in names):
        return "agent"
    for name in names:
        for word in words[:2]:
            if told := _BY_WORD.get((name, word)):
                return told
    return _BY_NAME.get(names[-1], kind)


def most_telling(kinds: Sequence[str]) -> str:
    """Of all that runs, what says most about what is being done; "" for nothing."""
    return min(kinds, key=_ORDER.index, default="")


def _plain(program: str) -> str:
    """The program's name without folders, version and the endings of scripts."""
    name = os.path.basename(program.lstrip("-"))
    name = name.removesuffix(".js").removesuffix(".mjs").removesuffix(".cjs")
    return name.rstrip("0123456789.-") or name
