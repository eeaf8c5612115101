"""What an agent can ask of polisd from inside its walls: a literal table of verbs, each one a
function. None of them decides what may be done, and none is among those of calls.py.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cash.daemon.claiming import Claiming, describe_locks, read_options
from cash.daemon.hooking import Hooking
from cash.daemon.inside import Reply
from cash.daemon.shown import Reason, Shown
from cash.daemon.stages import judge_request, syntax_text
from cash.daemon.write_orders import describe_written, read_order, split_texts
from cash.faults import Fault, UsageFault
from cash.pipeline import Request
from cash.policy.explain import outcome, refusal_text, unique
from cash.policy.policy import put_names_in
from cash.policy.verdict import Decision, Verdict
from cash.providers.hooks import PROTOCOLS
from cash.providers.hooks.event import Asked, read_input
from cash.store.event import Entry
from cash.store.reader import open_reader
from cash.store.redaction import redact_text
from cash.syntax.command import Line
from cash.workspace.agent import Agent

if TYPE_CHECKING:
    from cash.daemon.hosting import Hosted

APPEAL: Final = "appeal"
MOST_APPEALS: Final = 5
LONGEST_APPEAL: Final = 2000
_LONGEST_LINE: Final = 64 * 1024
_MOST_REFUSALS: Final = 10
_LOOKED_AT: Final = 500
_REFUSED: Final = ("refused", "unanswered", "declined")
_SUBJECTS: Final = ("line", "argv", "path", "host", "tool")


@dataclass(frozen=True, slots=True)
class Insider:
    """Whose socket it came by."""

    hosted: Hosted
    agent: Agent

    async def answer(self, words: tuple[str, ...], body: bytes) -> Reply:
        """What a request is answered. UsageFault when there is no such verb."""
        verb = INSIDE.get(words[0])
        if verb is None:
            raise UsageFault("there is no such verb in here", hint=", ".join(INSIDE))
        return await verb(self, words[1:], body)


InsideVerb = Callable[[Insider, tuple[str, ...], bytes], Awaitable[Reply]]


async def _whoami(asker: Insider, _words: tuple[str, ...], _body: bytes) -> Reply:
    hosted, agent = asker.hosted, asker.agent
    manifest = hosted.manifests.get(agent.provider)
    return _json(
        {
            "agent": agent.name,
            "provider": agent.provider,
            "branch": agent.branch,
            "tree": str(agent.tree),
            "repository": hosted.repository.root.name,
            "level": hosted.level.value,
            "hosts": sorted(manifest.hosts) if manifest else [],
            "proxy": "http://127.0.0.1:3128",
            "tmp": "/tmp",
            "ask_seconds": hosted.ask_seconds(agent),
        }
    )


async def _explain(asker: Insider, _words: tuple[str, ...], body: bytes) -> Reply:
    """What would become of a line, without consequences."""
    cwd, _, line = body.decode("utf-8", "surrogateescape").partition("\0")
    if not line.strip() or not cwd.startswith("/"):
        raise UsageFault("there is no line to explain")
    if len(line) > _LONGEST_LINE:
        raise UsageFault(f"a line to explain has at most {_LONGEST_LINE} characters")
    hosted = asker.hosted
    request = Request(id=uuid.uuid4().hex[:16], mode="line", arguments=(line,), cwd=cwd)
    judged = await judge_request(hosted, request, hosted.context_of(asker.agent, cwd))
    return _json(_describe(judged.verdict, judged.line))


def _describe(verdict: Verdict, line: Line) -> dict[str, Any]:
    """As `polis policy explain`, less what only a policy's author needs."""
    text = refusal_text(verdict) if verdict.decision is Decision.DENY else ""
    if outcome(verdict, line) is not verdict.decision:
        text = syntax_text(line)
    return {
        "decision": verdict.decision.word,
        "rewritten": verdict.rewritten,
        "rules": [
            {
                "id": one.rule,
                "decision": one.decision.word,
                "reason": one.reason,
                "hint": one.hint,
            }
            for one in unique(verdict.matches)
        ],
        "text": text,
    }


async def _refusals(asker: Insider, _words: tuple[str, ...], _body: bytes) -> Reply:
    """The last things that were not carried out, newest first, with the reason and the hint."""
    hosted = asker.hosted
    await asyncio.to_thread(hosted.writer.flush)
    entries = await asyncio.to_thread(_newest, asker)
    hints = {rule.id: rule.hint for rule in hosted.in_force.policy().rules}
    names = {"agent": asker.agent.name, "branch": asker.agent.branch}
    found = [_describe_refusal(entry, hints, names) for entry in reversed(entries)]
    return _json({"refusals": found[:_MOST_REFUSALS]})


def _newest(asker: Insider) -> list[Entry]:
    reader = open_reader(asker.hosted.store)
    try:
        entries = reader.newest(_LOOKED_AT, asker.agent.name)
    finally:
        reader.close()
    since = asker.agent.created  # an earlier agent of this name is none of its business
    return [
        entry
        for entry in entries
        if entry.event.body.get("approval") in _REFUSED and entry.event.time >= since
    ]


def _describe_refusal(
    entry: Entry, hints: Mapping[str, str | None], names: Mapping[str, str]
) -> dict[str, Any]:
    body = entry.event.body
    rules = body.get("rules")
    rule = str(rules[0]) if isinstance(rules, list) and rules else ""
    hint = hints.get(rule)
    return {
        "time": entry.event.time,
        "what": {name: body[name] for name in _SUBJECTS if body.get(name)},
        "approval": body["approval"],
        "rule": rule,
        "reason": body.get("reason"),
        "hint": put_names_in(hint, dict(names)) if hint else None,
    }


async def _appeal(asker: Insider, _words: tuple[str, ...], body: bytes) -> Reply:
    """Asks a person something. It becomes an open question whose answer lets nothing through: it
    is told to whoever appeals with the same words again."""
    hosted, agent = asker.hosted, asker.agent
    text = " ".join(body.decode("utf-8", "replace").split())
    if not text:
        raise UsageFault("there is nothing to ask a person", hint="polis appeal TEXT")
    if len(text) > LONGEST_APPEAL:
        raise UsageFault(f"an appeal has at most {LONGEST_APPEAL} characters")
    subject = f"appeal\0{text}"
    earlier = hosted.answering.earlier(agent, subject)
    if earlier is not None:
        return _json({"id": None, "answer": "yes" if earlier else "no"})
    shown = Shown(
        line=f"appeal: {redact_text(text)}",
        reasons=(Reason(APPEAL, "The agent asks you; your answer lets nothing through.", None),),
    )
    own = [
        one
        for one in hosted.answering.questions.waiting()
        if one.agent == agent.name and one.shown.reasons[0].rule == APPEAL
    ]
    if len(own) >= MOST_APPEALS and all(one.shown != shown for one in own):
        raise Fault(f"{MOST_APPEALS} appeals are open already", hint="wait for an answer")
    question = await hosted.answering.ask(agent, subject, shown)
    return _json({"id": question.id, "answer": None})


async def _write(asker: Insider, words: tuple[str, ...], body: bytes) -> Reply:
    """A change of one file, as a tool makes it. It is made by the agent's own rights, and judged as
    any write of its; what is said here lets nothing through."""
    texts = split_texts(body)
    if len(words) != 1 or len(texts) < 3:
        raise UsageFault("that is no change", hint="polis write PATH <CONTENT")
    cwd, path, to = (text.decode("utf-8", "surrogateescape") for text in texts[:3])
    order = read_order(words[0], path, to, texts[3:], cwd, str(asker.agent.tree))
    return _json(describe_written(await asker.hosted.writing.carry_out(asker.agent, order)))


async def _hook(asker: Insider, words: tuple[str, ...], body: bytes) -> Reply:
    """An event of the agent's own program. Whatever is wrong with it is no opinion."""
    provider, event, entry = (*words, "-", "-", "-")[:3]
    protocol = PROTOCOLS.get(provider)
    if protocol is None:
        return _no_opinion(f"polis knows no hooks of {provider}")
    asked_event, asked_entry = (word.strip("-") if word == "-" else word for word in (event, entry))
    try:
        heard = protocol.read(Asked(read_input(body), asked_event, asked_entry))
        ruling = await Hooking(asker.hosted, asker.agent, provider).hear(heard)
    except (ValueError, Fault) as fault:
        return _no_opinion(str(fault))
    told = protocol.tell(heard, ruling)
    return Reply(told.status, told.out)


async def _locks(asker: Insider, _words: tuple[str, ...], _body: bytes) -> Reply:
    """What anybody holds of the repository's files."""
    return _json(describe_locks(asker.hosted))


async def _reserve(asker: Insider, _words: tuple[str, ...], body: bytes) -> Reply:
    """For the agent itself, whatever it says."""
    claiming, words = _read_words(asker, body)
    globs, options = read_options(words, ("--for", "--why"))
    return _json(await claiming.reserve(globs, options["--for"], options["--why"]))


async def _release(asker: Insider, _words: tuple[str, ...], body: bytes) -> Reply:
    claiming, words = _read_words(asker, body)
    everything = "--all" in words
    globs, _ = read_options([word for word in words if word != "--all"], ())
    if bool(globs) == everything:
        raise UsageFault("a glob, or --all", hint="polis release 'src/**'")
    return _json({"released": claiming.release(globs, everything=everything)})


def _read_words(asker: Insider, body: bytes) -> tuple[Claiming, list[str]]:
    cwd, *words = body.decode("utf-8", "surrogateescape").split("\0")
    return Claiming(asker.hosted, asker.agent, cwd), words


def _no_opinion(why: str) -> Reply:
    return Reply(0, "", f"polis: this hook has no opinion: {why} (the walls judge)\n")


def _json(value: dict[str, Any]) -> Reply:
    return Reply(0, json.dumps(value, indent=2) + "\n")


INSIDE: dict[str, InsideVerb] = {
    "whoami": _whoami,
    "explain": _explain,
    "refusals": _refusals,
    "appeal": _appeal,
    "hook": _hook,
    "locks": _locks,
    "reserve": _reserve,
    "release": _release,
    "write": _write,
}
