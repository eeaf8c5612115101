"""What a terminal shows, read by the signs of the manifests."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cash.conformance.traces import read_trace, recorded_versions, traces_folder
from cash.providers.manifest import load_manifests
from cash.sessions.screens import read_screen

MANIFESTS = load_manifests()
EXPECTED = {
    "trust": "waiting_input",
    "prompt": "idle",
    "working": "running",
    "question": "waiting_approval",
    "done": "idle",
    "refused": "error",
}

# With what the line begins in which one types.
PROMPTS = {"claude": "\u276f", "codex": "\u203a Ask", "gemini": " >   Type"}


def shots(provider: str) -> dict[str, str]:
    folder = traces_folder() / provider
    trace = read_trace(folder / recorded_versions(traces_folder(), provider)[-1])
    return {row["screen"]: row["text"] for row in trace.screens}


@pytest.mark.parametrize("provider", ["claude", "codex", "gemini"])
def test_each_recorded_screen_is_read(provider: str) -> None:
    read = {
        name: read_screen(MANIFESTS[provider], text, 1.0) for name, text in shots(provider).items()
    }
    assert {name: signal and signal.status for name, signal in read.items()} == EXPECTED
    assert all(signal and signal.at == 1.0 and signal.reason for signal in read.values())


@pytest.mark.parametrize("provider", ["claude", "codex", "gemini"])
@pytest.mark.parametrize("text", ["", "\n\n", "$ ls\nREADME.md\n$", "Do you want to proceed?"])
def test_what_is_on_no_known_screen_is_not_guessed(provider: str, text: str) -> None:
    assert read_screen(MANIFESTS[provider], text, 0.0) is None


# What they show without an account, recorded by hand.
LOGINS = {
    "codex": """\
  Welcome to Codex, OpenAI's command-line coding agent

  Choose how you want to use Codex.

> 1. Sign in with ChatGPT
     Usage included with Plus, Pro, Business, and Enterprise plans

  2. Sign in with Device Code

  Press enter to continue
""",
    "claude": """\
❯ say hello
  ⎿  Not logged in · Please run /login

✻ Baked for 0s

────────────────────
❯
────────────────────
  ⏵⏵ bypass permissions on (shift+tab to cycle) · ← for agents      Not logged in · Run /login
                                                                        ● high · /effort
""",
    "gemini": """\
│ ? Get started                                    │
│   How would you like to authenticate for this project?
│   ● 1. Sign in with Google                       │
│     2. Use Gemini API Key                        │
│   No authentication method selected.             │
│   (Use Enter to select)                          │
│   Terms of Services and Privacy Notice for Gemini CLI
""",
}


@pytest.mark.parametrize("provider", LOGINS)
def test_a_login_is_no_prompt(provider: str) -> None:
    signal = read_screen(MANIFESTS[provider], LOGINS[provider], 1.0)
    assert signal is not None
    assert (signal.status, signal.bars) == ("error", True)
    assert signal.reason == f"not logged in: polis agents login {provider}"
    for text in shots(provider).values():
        shown = read_screen(MANIFESTS[provider], text, 1.0)
        assert shown is None or not shown.bars


@pytest.mark.parametrize("provider", ["claude", "codex", "gemini"])
def test_a_refusal_is_of_the_past_once_it_goes_on(provider: str) -> None:
    answer = {"claude": "● Done.", "codex": "• Done.", "gemini": "✦ Done."}[provider]
    text = shots(provider)["refused"]
    # What it says next stands between the refusal and the prompt at the bottom.
    above, prompt, below = text.rpartition(PROMPTS[provider])
    later = f"{above}{answer}\n\n{prompt}{below}"
    signal = read_screen(MANIFESTS[provider], later, 0.0)
    assert signal is not None
    assert signal.status == "idle"


def test_a_provider_without_signs_tells_nothing_by_its_screen() -> None:
    silent = replace(MANIFESTS["shell"], signs=())
    assert read_screen(silent, "esc to interrupt", 0.0) is None


# As shown by 1.0.102 and 1.18.33, the ends of their screens.
_COPILOT = "\n/tree\n────\n❯\n────\n"
_OPENCODE = "\n  ┃  Build auto · Claude Sonnet 4.5 (latest) Anthropic\n  ╹▀▀▀▀▀▀▀▀\n"


@pytest.mark.parametrize(
    ("provider", "text", "status"),
    [
        ("copilot", f"{_COPILOT} ◎ Working esc esc interrupt    claude-sonnet-4.5\n", "running"),
        ("copilot", f"{_COPILOT} ● Working · 74 B esc esc interrupt    claude\n", "running"),
        ("copilot", f"● All is done.\n{_COPILOT} ← open sidebar · / commands · ? help\n", "idle"),
        (
            "copilot",
            f"\nPlease use /login to sign in to use Copilot\n{_COPILOT} · / commands · ? help\n",
            "waiting_input",
        ),
        (
            "copilot",
            "│ Do you trust the files in this folder?  │\n│ ❯ 1. Yes │\n│ enter to select │\n",
            "waiting_input",
        ),
        ("opencode", f"{_OPENCODE}   ■■■■⬝⬝⬝⬝  esc interrupt   ctrl+p commands\n", "running"),
        ("opencode", f"{_OPENCODE}   /tree   20 (0%) · $0.00  ctrl+p commands\n", "idle"),
        ("opencode", f"{_OPENCODE}\n      tab agents  ctrl+p commands\n", "idle"),
        ("opencode", "\n  ┃  an ╹▀ of ctrl+p commands\n", None),
    ],
)
def test_what_copilot_and_opencode_show(provider: str, text: str, status: str | None) -> None:
    signal = read_screen(MANIFESTS[provider], text, 0.0)
    assert (signal.status if signal else None) == status


# Of aider 0.86.2, recorded by hand.
AIDER_ASKS = """\
hello.py
Add file to the chat? (Y)es/(N)o/(D)on't ask again [Yes]:
"""
AIDER_DONE = """\
mkfs.ext4 /dev/x
Run shell command? (Y)es/(N)o/(D)on't ask again [Yes]: n
────────────────
>
"""


@pytest.mark.parametrize(
    ("text", "status"),
    [(AIDER_ASKS, "waiting_approval"), (AIDER_DONE, "idle"), ("Waiting for gpt-4o", None)],
)
def test_a_question_that_was_answered_is_none(text: str, status: str | None) -> None:
    signal = read_screen(MANIFESTS["aider"], text, 0.0)
    assert (signal and signal.status) == status
