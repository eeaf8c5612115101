"""A model on loopback that plays a script to a real agent CLI, and starts the CLI against it.

    python3 -I model.py AGENT PLAY RECORD

AGENT is claude, codex, gemini, opencode or copilot. PLAY is JSON:
{"calls": [["shell", LINE] | ["write", PATH, TEXT]…], "say": TEXT, "quiet": true,
"options": [WORD…], "at_terminal": true}: each call is sent as
the agent's own tool call once the one before it has its result, and then the text; ["asked", LINE]
is a shell call that the CLI asks its person about. Codex has no tool for a write. With quiet the
CLI speaks to the model alone: else Codex and Gemini call home. Options are words of the CLI's own.
At a terminal it is started bare, for the person who sits there. RECORD gets a line of JSON for
every request: {"path", "body"}. The status is the CLI's own, or 70 when it ended before the play.

Nothing of polis is used, and nothing but the standard library: the same file runs bare and inside
the walls. HOME is written to (the CLI's settings), and the key is a dummy.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

PROMPT = "Do what the model says."
Body = Mapping[str, Any]
Events = Iterator[dict[str, Any]]
Call = Sequence[str]


@dataclass(frozen=True)
class Agent:
    """One CLI. {url} in what it is started with is where the model listens.

    settings: files below HOME, each as it is and as it is when quiet. results: what its tools
    answered so far, in order, given a request. call: the events that ask for a tool. say: those
    that end the turn with a text.
    """

    argv: tuple[str, ...]
    environment: Mapping[str, str]
    settings: Mapping[str, tuple[str, str]]
    endpoint: str
    results: Callable[[Body], list[str]]
    call: Callable[[int, Call], Events]
    say: Callable[[str], Events]

    def is_turn(self, path: str, body: Body) -> bool:
        """Whether that request is one of the conversation, not for a title or a count of it."""
        return path.partition("?")[0].endswith(self.endpoint) and bool(body.get("tools"))


# ------------------------------------------------------------------ Claude Code: /v1/messages


def _claude_results(body: Body) -> list[str]:
    said = [one["content"] for one in body["messages"] if isinstance(one["content"], list)]
    blocks = [block for content in said for block in content]
    return [_text(block["content"]) for block in blocks if block["type"] == "tool_result"]


def _claude_call(number: int, call: Call) -> Events:
    if call[0] == "write":
        name, given = "Write", {"file_path": str(Path.cwd() / call[1]), "content": call[2]}
    else:
        name, given = "Bash", {"command": call[1], "description": "A step"}
    return _claude_asks(number, name, given)


def _claude_asks(number: int, name: str, given: Body) -> Events:
    block = {"type": "tool_use", "id": f"toolu_{number:024}", "name": name, "input": {}}
    delta = {"type": "input_json_delta", "partial_json": json.dumps(given)}
    return _claude_turn(f"msg_{number}", block, delta, "tool_use")


def _opencode_call(number: int, call: Call) -> Events:
    if call[0] == "write":
        name, given = "write", {"filePath": str(Path.cwd() / call[1]), "content": call[2]}
    else:
        name, given = "bash", {"command": call[1], "description": "A step"}
    return _claude_asks(number, name, given)


def _copilot_call(number: int, call: Call) -> Events:
    if call[0] == "write":
        name, given = "create", {"path": str(Path.cwd() / call[1]), "file_text": call[2]}
    else:
        name, given = "bash", {"command": call[1], "description": "A step"}
    return _claude_asks(number, name, given)


def _claude_say(text: str) -> Events:
    delta = {"type": "text_delta", "text": text}
    return _claude_turn("msg_last", {"type": "text", "text": ""}, delta, "end_turn")


def _claude_turn(name: str, block: Body, delta: Body, reason: str) -> Events:
    used = {"input_tokens": 10, "output_tokens": 10}
    # Without the model a conversation that called a tool cannot be taken up again.
    about = {"type": "message", "role": "assistant", "model": "claude-opus-4-8"}
    message = {"id": name, **about, "content": [], "usage": used}
    yield {"type": "message_start", "message": message}
    yield {"type": "content_block_start", "index": 0, "content_block": block}
    yield {"type": "content_block_delta", "index": 0, "delta": delta}
    yield {"type": "content_block_stop", "index": 0}
    ended = {"stop_reason": reason, "stop_sequence": None}
    yield {"type": "message_delta", "delta": ended, "usage": used}
    yield {"type": "message_stop"}


# ------------------------------------------------------------------ Codex: /v1/responses


def _codex_results(body: Body) -> list[str]:
    items = body["input"]
    return [_text(item["output"]) for item in items if item["type"] == "function_call_output"]


def _codex_call(number: int, call: Call) -> Events:
    # A call that has not ended after this is answered as still running.
    given = {"cmd": call[1], "yield_time_ms": 30000}
    if call[0] == "asked":
        given |= {"sandbox_permissions": "require_escalated", "justification": "A step"}
    called = {"name": "exec_command", "arguments": json.dumps(given)}
    return _codex_turn({"type": "function_call", "call_id": f"call_{number}", **called})


def _codex_say(text: str) -> Events:
    content = [{"type": "output_text", "text": text}]
    return _codex_turn({"type": "message", "id": "m_1", "role": "assistant", "content": content})


def _codex_turn(item: Body) -> Events:
    used = {"input_tokens": 10, "output_tokens": 10, "total_tokens": 20}
    yield {"type": "response.created", "response": {"id": "r_1"}}
    yield {"type": "response.output_item.done", "output_index": 0, "item": item}
    yield {"type": "response.completed", "response": {"id": "r_1", "usage": used}}


# ------------------------------------------------------------------ Gemini: streamGenerateContent


def _gemini_results(body: Body) -> list[str]:
    parts = [part for content in body["contents"] for part in content["parts"]]
    answers = [part["functionResponse"]["response"] for part in parts if "functionResponse" in part]
    return [str(answer.get("output", answer)) for answer in answers]


def _gemini_call(_number: int, call: Call) -> Events:
    if call[0] == "write":
        name, given = "write_file", {"file_path": str(Path.cwd() / call[1]), "content": call[2]}
    else:
        name, given = "run_shell_command", {"command": call[1], "description": "A step"}
    return _gemini_turn({"functionCall": {"name": name, "args": given}})


def _gemini_turn(part: Body) -> Events:
    content = {"role": "model", "parts": [part]}
    used = {"promptTokenCount": 10, "candidatesTokenCount": 10, "totalTokenCount": 20}
    candidate = {"content": content, "finishReason": "STOP", "index": 0}
    yield {"candidates": [candidate], "usageMetadata": used}


def _text(content: str | list[dict[str, Any]]) -> str:
    """What a tool answered: plain, or in blocks."""
    if isinstance(content, str):
        return content
    return "\n".join(block.get("text", "") for block in content)


_CODEX = """\
model = "scripted"
model_provider = "local"
approval_policy = "never"
sandbox_mode = "danger-full-access"
[model_providers.local]
name = "local"
base_url = "{url}/v1"
wire_api = "responses"
env_key = "MODEL_KEY"
request_max_retries = 0
"""
_CODEX_QUIET = "[analytics]\nenabled = false\n[features]\nplugins = false\n"
_GEMINI = {"security": {"auth": {"selectedType": "gemini-api-key"}}}
_GEMINI_QUIET = {"privacy": {"usageStatisticsEnabled": False}}

# Snapshots: it would ask git to keep a second index of the whole tree at every step.
_OPENCODE = {
    "snapshot": False,
    "model": "anthropic/claude-sonnet-4-5",
    "provider": {"anthropic": {"options": {"baseURL": "{url}/v1", "apiKey": "dummy"}}},
}

AGENTS = {
    "claude": Agent(
        argv=("claude", "-p", PROMPT, "--output-format", "json", "--dangerously-skip-permissions"),
        environment={
            "ANTHROPIC_BASE_URL": "{url}",
            "ANTHROPIC_API_KEY": "dummy",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "DISABLE_AUTOUPDATER": "1",
            "IS_SANDBOX": "1",  # else root, when it is started bare, may not skip permissions
        },
        settings={},
        endpoint="/v1/messages",
        results=_claude_results,
        call=_claude_call,
        say=_claude_say,
    ),
    "codex": Agent(
        argv=("codex", "exec", "--skip-git-repo-check", PROMPT),
        environment={"MODEL_KEY": "dummy"},
        settings={".codex/config.toml": (_CODEX, _CODEX + _CODEX_QUIET)},
        endpoint="/v1/responses",
        results=_codex_results,
        call=_codex_call,
        say=_codex_say,
    ),
    "gemini": Agent(
        argv=("gemini", "-y", "-m", "gemini-2.5-pro", "-p", PROMPT),
        environment={
            "GOOGLE_GEMINI_BASE_URL": "{url}",
            "GEMINI_API_KEY": "dummy",
            "GEMINI_CLI_TRUST_WORKSPACE": "true",
        },
        settings={
            ".gemini/settings.json": (json.dumps(_GEMINI), json.dumps(_GEMINI | _GEMINI_QUIET))
        },
        endpoint=":streamGenerateContent",
        results=_gemini_results,
        call=_gemini_call,
        say=lambda text: _gemini_turn({"text": text}),
    ),
    "opencode": Agent(
        argv=("opencode", "run", "--auto", "--format", "json", PROMPT),
        environment={"OPENCODE_DISABLE_MODELS_FETCH": "1", "OPENCODE_DISABLE_AUTOUPDATE": "1"},
        settings={".config/opencode/opencode.json": (json.dumps(_OPENCODE),) * 2},
        endpoint="/v1/messages",
        results=_claude_results,
        call=_opencode_call,
        say=_claude_say,
    ),
    "copilot": Agent(
        argv=("copilot", "-p", PROMPT, "--allow-all-tools", "--allow-all-paths"),
        environment={
            "COPILOT_PROVIDER_BASE_URL": "{url}",
            "COPILOT_PROVIDER_TYPE": "anthropic",
            "COPILOT_PROVIDER_API_KEY": "dummy",
            "COPILOT_MODEL": "claude-sonnet-4.5",
            # Else it looks for an account at GitHub, by way of gh dozens of times.
            "COPILOT_OFFLINE": "true",
        },
        settings={},
        endpoint="/v1/messages",
        results=_claude_results,
        call=_copilot_call,
        say=_claude_say,
    ),
}


# ------------------------------------------------------------------ the endpoint


class Model(ThreadingHTTPServer):
    """Answers one agent. What to say next follows from the results in a request alone, so a
    request that is sent again gets the same answer. open: cleared, answers are kept back until
    it is set. refusing: what comes is refused, as by a provider whose account is used up."""

    daemon_threads = True

    def __init__(self, agent: Agent, play: Body, record: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.ended = False
        self.open = threading.Event()
        self.open.set()
        self.refusing = False
        self._agent = agent
        self._play = play
        self._record = record
        self._lock = threading.Lock()
        record.write_text("")

    def answer(self, path: str, body: Body) -> Events | None:
        """The events for a request; None when it is none of the conversation."""
        with self._lock, self._record.open("a") as file:
            file.write(json.dumps({"path": path, "body": body}) + "\n")
        if not self._agent.is_turn(path, body):
            return None
        self.open.wait(_HELD_SECONDS)
        done = len(self._agent.results(body))
        calls = self._play["calls"]
        if done < len(calls):
            return self._agent.call(done, calls[done])
        self.ended = True
        return self._agent.say(self._play["say"])


# A refusal that no CLI tries again, in the words of each of the three protocols.
_REFUSAL = {"type": "invalid_request_error", "message": "You exceeded your quota", "code": 400}
_HELD_SECONDS = 60.0


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Model

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        if self.server.refusing:
            refusal = {"type": "error", "error": _REFUSAL | {"status": "INVALID_ARGUMENT"}}
            self._send(json.dumps(refusal).encode(), "application/json", 400)
            return
        events = self.server.answer(self.path, body)
        if events is None:
            self._send(b'{"input_tokens": 10}', "application/json")
            return
        self._send("".join(map(_event, events)).encode(), "text/event-stream")

    def do_GET(self) -> None:
        self.server.answer(self.path, {})
        self._send(b"{}", "application/json")

    do_HEAD = do_GET

    def _send(self, content: bytes, kind: str, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, format: str, *words: object) -> None:
        """The record is the log."""


def _event(event: Body) -> str:
    # Gemini CLI can read nothing but data; its events have no type.
    name = f"event: {event['type']}\n" if "type" in event else ""
    return f"{name}data: {json.dumps(event)}\n\n"


def start(agent: Agent, url: str, script: Mapping[str, Any]) -> int:
    """Runs the CLI against the model, in the directory and with the HOME of this process. JSON
    settings that are there already stay."""
    quiet = bool(script.get("quiet"))
    for path, texts in agent.settings.items():
        place = Path(os.environ["HOME"], path)
        place.parent.mkdir(parents=True, exist_ok=True)
        text = texts[quiet].replace("{url}", url)
        if place.suffix == ".json" and place.exists():
            text = json.dumps(json.loads(place.read_text()) | json.loads(text))
        place.write_text(text)
    own = {key: value.replace("{url}", url) for key, value in agent.environment.items()}
    argv = (*agent.argv, *script.get("options", ()))
    if script.get("at_terminal"):
        return subprocess.run(argv[:1], env=os.environ | own).returncode
    return subprocess.run(argv, env=os.environ | own, stdin=subprocess.DEVNULL).returncode


def main() -> int:
    name, play, record = sys.argv[1:]
    script = json.loads(Path(play).read_text())
    with Model(AGENTS[name], script, Path(record)) as model:
        threading.Thread(target=model.serve_forever, daemon=True).start()
        status = start(AGENTS[name], model.url, script)
        model.shutdown()
    return status or (0 if model.ended else 70)


if __name__ == "__main__":
    sys.exit(main())
