"""A verdict other than yes, whoever started the program: another one runs, or it waits for a
person and then is what it was, or it ends. The starter sees nothing but an ordinary process.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator

import pytest
from governed import Governed, Question, governing
from route import Forbidden, Route
from routes import list_routes, run_route
from walled import KINDS

from cash.keeper.link import ExecVerdict

pytestmark = pytest.mark.kernel

_ASKED = Forbidden("/usr/bin/uname", "--version", "uname (GNU coreutils)")
_POLICY = """\
version: 1
rules:
  - id: about-uname
    program: uname
    decide: ask
    reason: Who knows.
    examples: {ask: [uname]}
"""
_ROUTES = list_routes(_ASKED)
_NAMES = [
    *("the program itself", "sh -c", "dash -c", "bash -c", "exec", "exec -a", "pipeline"),
    *("command substitution", "coproc", "make", "make -j", "make, shell needed", "env -i"),
    *("python subprocess", "python subprocess, fork", "python asyncio", "python os.posix_spawn"),
    *("python os.execv", "python a thread", "python os.system", "ctypes execveat of a descriptor"),
    *("ctypes fexecve", "node spawn", "node spawnSync", "node exec", "node worker", "find -exec"),
    *("find -execdir", "xargs -P", "perl system", "perl exec", "perl backticks", "awk system"),
    *("C execve", "C posix_spawn", "C vfork", "C clone-vm", "C thread", "C other-argv0"),
    *("static C execve", "static C posix_spawn", "static C vfork", "static C fexecve"),
    *("memfd by name", "timeout", "setsid", "go run"),
]
_REAL = os.stat(_ASKED.path)


@pytest.fixture(scope="module", params=KINDS)
def governed(request: pytest.FixtureRequest) -> Iterator[Governed]:
    """Walls in which one program is asked about."""
    with governing(request.param, _POLICY) as made:
        yield made


def _is_meant(question: Question) -> bool:
    """Whether it is the program itself, not a shell with its text."""
    identity = [_REAL.st_dev, _REAL.st_ino]
    return any(face["identity"] == identity for face in question["faces"])


def _answering(governed: Governed, answer: ExecVerdict, after: float = -1) -> list[int]:
    """Gives this answer about the program: at once, or after it waited so many seconds. The
    numbers it was asked about by, as they come."""
    link = governed.walled.link
    numbers: list[int] = []

    def settle(question: Question) -> ExecVerdict:
        if not _is_meant(question):
            return ExecVerdict("allow")
        numbers.append(question["number"])
        if after < 0:
            return answer
        threading.Timer(after, lambda: link.settle(question["number"], answer)).start()
        return ExecVerdict("wait", "polis: wait\n")

    governed.settle = settle
    return numbers


def _heard(route: Route, words: str, text: str) -> bool:
    return text.count(words) == int(route.heard)


@pytest.mark.parametrize("name", [name for name in _NAMES if name in _ROUTES])
def test_another_program_runs_instead(governed: Governed, name: str) -> None:
    route = _ROUTES[name]
    numbers = _answering(governed, ExecVerdict("run", "echo instead; printf 'and %s\\n' said >&2"))
    result = run_route(governed.walled, route)
    assert _ASKED.proof not in result.out
    assert result.out.count("instead") == 1, (result.out, result.err)
    assert _heard(route, "and said\n", result.err), result.err
    assert len(numbers) == 1


@pytest.mark.parametrize("name", [name for name in _NAMES if name in _ROUTES])
def test_it_waits_and_then_is_what_it_was(governed: Governed, name: str) -> None:
    route = _ROUTES[name]
    numbers = _answering(governed, ExecVerdict("allow"), 0.01)
    result = run_route(governed.walled, route)
    assert result.out.count(_ASKED.proof) == 1, (result.out, result.err)
    assert _heard(route, "polis: wait\n", result.err), result.err
    assert len(numbers) == 1


@pytest.mark.parametrize("name", [name for name in _NAMES if name in _ROUTES])
def test_it_waits_and_ends(governed: Governed, name: str) -> None:
    route = _ROUTES[name]
    numbers = _answering(governed, ExecVerdict("refuse", "polis: nobody said\n", 124), 0.01)
    result = run_route(governed.walled, route)
    assert _ASKED.proof not in result.out
    assert _heard(route, "polis: wait\npolis: nobody said\n", result.err), result.err
    assert len(numbers) == 1


@pytest.mark.parametrize(
    ("answer", "after", "status"),
    [
        (ExecVerdict("run", "exit 7"), -1, 7),
        (ExecVerdict("run", "exit 7"), 0.01, 7),
        (ExecVerdict("run", "kill -TERM $$"), 0.01, 128 + 15),
        (ExecVerdict("refuse", "polis: no\n", 126), -1, 126),
        (ExecVerdict("refuse", "polis: no\n", 124), 0.01, 124),
        (ExecVerdict("allow"), 0.01, 0),
    ],
)
def test_its_end_is_the_programs_end(
    governed: Governed, answer: ExecVerdict, after: float, status: int
) -> None:
    _answering(governed, answer, after)
    assert governed.walled.run("uname").status == status
    assert governed.walled.sh("uname >/dev/null; exit $?").status == status


# The widest gap between two ticks of a node program while what it has spawned waits.
_LOOP = """
const {spawn} = require('child_process');
let last = performance.now(), widest = 0, left = 8;
setInterval(() => {
  const now = performance.now();
  widest = Math.max(widest, now - last);
  last = now;
}, 1);
const next = () => {
  if (left-- == 0) { console.log(widest); process.exit(0); }
  spawn('uname', [], {stdio: 'ignore'}).on('exit', next);
};
setTimeout(next, 100);
"""


def _widest_gap(governed: Governed) -> float:
    result = governed.walled.run("node", "-e", _LOOP)
    assert result.status == 0, result.err
    return float(result.out)


@pytest.mark.parametrize(
    ("answer", "after"),
    [(ExecVerdict("allow"), 0.1), (ExecVerdict("refuse", "polis: no\n", 126), -1)],
    ids=["waiting", "refused"],
)
def test_nodes_event_loop_does_not_wait(
    governed: Governed, answer: ExecVerdict, after: float
) -> None:
    _answering(governed, answer, after)
    gaps: list[float] = []
    # A busy machine may hold node itself up: once is enough.
    while not gaps or (min(gaps) >= 20 and len(gaps) < 4):
        gaps.append(_widest_gap(governed))
    assert min(gaps) < 20, gaps
