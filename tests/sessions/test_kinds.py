"""What kind of program is told by its words."""

from __future__ import annotations

import pytest

from cash.sessions.kinds import kind_of, most_telling


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("claude --resume x", "agent"),
        ("node /home/ada/.nvm/bin/claude -p hello", "agent"),
        ("node --no-warnings /usr/bin/claude", "agent"),
        ("/bin/bash -c ls", "shell"),
        ("-bash", "shell"),
        ("python3.11 -m http.server 8000", "dev server"),
        ("python3 -m pytest -q", "test runner"),
        ("python3 manage.py", "python"),
        ("/usr/bin/python3 /home/ada/.local/bin/pytest", "test runner"),
        ("node server.js", "node"),
        ("node /srv/shop/node_modules/.bin/vitest run", "test runner"),
        ("node node_modules/vite/bin/vite.js", "dev server"),
        ("npm run dev", "dev server"),
        ("npm test", "test runner"),
        ("pnpm install", "package manager"),
        ("go test ./...", "test runner"),
        ("go build", "compiler"),
        ("gcc-12 -c main.c", "compiler"),
        ("git push", "git"),
        ("sleep 100", "other"),
        ("", "other"),
    ],
)
def test_a_program_is_of_its_kind(line: str, kind: str) -> None:
    assert kind_of(line.split(), ["claude"]) == kind


def test_no_program_is_the_agents_own_where_it_has_none() -> None:
    assert kind_of(["claude"]) == "other"
    assert kind_of([""]) == "other"


def test_what_says_most_is_shown() -> None:
    assert most_telling(["agent", "shell", "node", "test runner"]) == "test runner"
    assert most_telling(["other", "agent"]) == "agent"
    assert most_telling([]) == ""
