"""How each CLI is played to: what it is started with, where its hooks are written down."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cash.conformance.model import AGENTS, PROMPT


@dataclass(frozen=True, slots=True)
class Subject:
    """One provider. output: as in its manifest's headless start. headless, interactive: the words
    after the program. events: of its hooks, without those that tell of every token. files: what
    must be in its HOME, given the model's URL and the command of each hook."""

    output: str
    headless: tuple[str, ...]
    interactive: tuple[str, ...]
    events: tuple[str, ...]
    files: Callable[[str, str, Sequence[str]], Mapping[str, str]]


def hook_command(record: Path) -> str:
    """Appends what it is told to a file, in one write: several hooks run at once."""
    return f"told=$(cat); printf '%s\\n' \"$told\" >> {shlex.quote(str(record))}"


def _hooks(command: str, events: Sequence[str], matcher: str = "*") -> dict[str, object]:
    handler = {"type": "command", "name": "recorder", "command": command}
    return {event: [{"matcher": matcher, "hooks": [handler]}] for event in events}


def _claude_files(_url: str, command: str, events: Sequence[str]) -> Mapping[str, str]:
    # The look of it and the key are asked about at the first start, before the trust dialog.
    begun = {
        "hasCompletedOnboarding": True,
        "theme": "dark",
        "customApiKeyResponses": {"approved": ["dummy"], "rejected": []},
    }
    settings = {"hooks": _hooks(command, events)}
    return {".claude.json": json.dumps(begun), ".claude/settings.json": json.dumps(settings)}


def _codex_files(url: str, command: str, events: Sequence[str]) -> Mapping[str, str]:
    (path, texts), *_ = AGENTS["codex"].settings.items()
    # What the model asks for is asked about on a terminal; without one nobody could answer.
    text = texts[True].replace("{url}", url).replace("danger-full-access", "read-only")
    text = text.replace('approval_policy = "never"', 'approval_policy = "on-request"')
    hooks = {"hooks": _hooks(command, events)}
    return {path: text, ".codex/hooks.json": json.dumps(hooks)}


def _gemini_files(_url: str, command: str, events: Sequence[str]) -> Mapping[str, str]:
    (path, texts), *_ = AGENTS["gemini"].settings.items()
    settings = json.loads(texts[True]) | {"hooks": _hooks(command, events)}
    return {path: json.dumps(settings)}


SUBJECTS: Mapping[str, Subject] = {
    "claude": Subject(
        output="claude-stream-json",
        headless=(
            *("-p", PROMPT, "--output-format", "stream-json", "--verbose"),
            "--dangerously-skip-permissions",
        ),
        interactive=(),
        events=(
            *("SessionStart", "UserPromptSubmit", "PreToolUse", "PostToolUse"),
            *("PostToolUseFailure", "PermissionRequest", "Notification", "Stop"),
            *("StopFailure", "SessionEnd"),
        ),
        files=_claude_files,
    ),
    "codex": Subject(
        output="codex-json",
        headless=(
            *("exec", "--json", "--skip-git-repo-check", "--dangerously-bypass-hook-trust"),
            *("--dangerously-bypass-approvals-and-sandbox", PROMPT),
        ),
        interactive=(
            *("-c", "features.daemon_auto_start=false", "-c", "check_for_update_on_startup=false"),
            "--dangerously-bypass-hook-trust",
        ),
        events=(
            *("SessionStart", "UserPromptSubmit", "PreToolUse", "PostToolUse"),
            *("PermissionRequest", "Stop", "SessionEnd"),
        ),
        files=_codex_files,
    ),
    "gemini": Subject(
        output="gemini-stream-json",
        headless=("-y", "-m", "gemini-2.5-pro", "--output-format", "stream-json", "-p", PROMPT),
        interactive=("-m", "gemini-2.5-pro"),
        events=(
            *("SessionStart", "BeforeAgent", "BeforeTool", "AfterTool", "AfterAgent"),
            *("Notification", "SessionEnd"),
        ),
        files=_gemini_files,
    ),
}
