"""The small real repository of the tour: a node package with a build step and some history."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

# One commit each: its message, and the files it adds or changes.
_HISTORY: tuple[tuple[str, dict[str, str]], ...] = (
    (
        "Begin a shop",
        {
            "README.md": "# shop\n\nPrints price tags. `npm run build` writes dist/tags.txt.\n",
            ".gitignore": "node_modules/\ndist/\n",
            ".npmrc": "update-notifier=false\n",
            "package.json": (
                '{\n  "name": "shop",\n  "version": "1.0.0",\n  "private": true,\n'
                '  "scripts": {\n    "build": "node build.js",\n    "test": "node --test"\n  }\n}\n'
            ),
            "src/items.json": '[["apple", 3], ["bread", 12], ["cheese", 140]]\n',
        },
    ),
    (
        "Print the tags",
        {
            "src/tags.js": (
                "exports.tag = ([name, price]) => `${name}: ${price}`;\n"
                "exports.tags = (items) => items.map(exports.tag).join('\\n') + '\\n';\n"
            ),
            "build.js": (
                "const fs = require('node:fs');\n"
                "const { tags } = require('./src/tags.js');\n\n"
                "const items = require('./src/items.json');\n"
                "fs.mkdirSync('dist', { recursive: true });\n"
                "fs.writeFileSync('dist/tags.txt', tags(items));\n"
                "console.log(`dist/tags.txt: ${items.length} tags`);\n"
            ),
            "Makefile": "build:\n\tnode build.js\n\ntest:\n\tnode --test\n",
        },
    ),
    (
        "Test a tag",
        {
            "test/tags.test.js": (
                "const test = require('node:test');\n"
                "const assert = require('node:assert');\n"
                "const { tag } = require('../src/tags.js');\n\n"
                "test('a tag', () => assert.equal(tag(['apple', 3]), 'apple: 3'));\n"
            ),
        },
    ),
)

_WHO = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")


def make_repository(folder: Path) -> Path:
    """Makes the repository at `folder`, with the same commits every time."""
    folder.mkdir(parents=True)
    _git(folder, "init", "--quiet", "--initial-branch=main")
    for number, (message, files) in enumerate(_HISTORY):
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        _git(folder, "add", ".")
        _git(folder, *_WHO, "commit", "--quiet", "-m", message, day=number + 1)
    return folder


def _git(folder: Path, *argv: str, day: int = 1) -> None:
    when = f"2026-01-{day:02}T12:00:00Z"
    dates = {"GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when}
    subprocess.run(["git", *argv], cwd=folder, env={**os.environ, **dates}, check=True)
