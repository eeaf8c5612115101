"""A process that waited for a person is what it was: nothing of the wait is left in it."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from answering import Desk
from governed import Governed, forbidding_shred, governing
from walled import KINDS

pytestmark = pytest.mark.kernel

_POLICY = forbidding_shred("perl", "uname", "python3")
_PYTHON = ("/usr/bin/python3", "-I", "-S", "-c")


@pytest.fixture(scope="module", params=KINDS)
def governed(request: pytest.FixtureRequest) -> Iterator[Governed]:
    """Walls in which some programs are asked about."""
    with governing(request.param, _POLICY) as made:
        yield made


# What a program can see of how it was started. A program that waits has one pid all the time.
_LOOK = """
import os
def show(name):
    print(name, open('/proc/self/' + name, 'rb').read())
show('cmdline'), show('environ')
print(os.getcwdb(), os.getpid() == os.getpgrp(), sorted(os.listdir('/proc/self/fd')), os.umask(0))
for line in open('/proc/self/status'):
    if line.startswith(('SigBlk', 'SigIgn', 'NoNewPrivs', 'Seccomp:')):
        print(line, end='')
"""
_START = """
import ctypes, os, signal
os.umask(0o31)
for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGPIPE):
    signal.signal(number, signal.SIG_IGN)
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGUSR2,))
os.dup2(1, 77)
os.chdir('/usr/lib')
words = [b'odd \\xff name', b'-I', b'-S', b'-c', LOOK, b'', b'\\xfe', b'-e', b'--']
variables = [b'A=1', b'A=2', b'no equals sign', b'', b'=', b'PERL5OPT=-Mevil', b'LC_ALL=no_SUCH',
             b'B=\\xff\\n', b'PATH=/nowhere']
def array(items):
    return (ctypes.c_char_p * (len(items) + 1))(*items, None)
ctypes.CDLL(None).execve(b'/usr/bin/python3', array(words), array(variables))
"""


def test_it_becomes_the_same_program(desk: Desk) -> None:
    text = _START.replace("LOOK", repr(_LOOK.encode()))
    walled = desk.governed.walled
    desk.governed.settle = None
    bare = walled.run("/usr/bin/env", *_PYTHON, text)
    assert (bare.status, bare.err) == (0, "")
    desk.waits = ("odd \udcff name",)
    desk.governed.settle = desk.allow_later
    waited = walled.run("/usr/bin/env", *_PYTHON, text)
    assert waited.err == "polis: wait\n"
    assert waited.out == bare.out
    assert bare.out.count("\n") == 7


@pytest.mark.parametrize(
    "line",
    [
        "./script a ' b' ''",
        "exec -a other ./script a",
        "PATH=.:$PATH script x",
        "./link x",
        "./outer y",
    ],
)
def test_a_script_becomes_the_same(desk: Desk, line: str) -> None:
    walled = desk.governed.walled
    show = "#!/bin/sh -e\ntr '\\0' '|' </proc/$$/cmdline\n"
    files = {"script": show, "outer": "#!./inner -x\n", "inner": show}
    for name, text in files.items():
        _put(desk, name, text)
    link = walled.view.tree / "link"
    link.unlink(missing_ok=True)
    link.symlink_to("script")
    desk.governed.settle = None
    bare = walled.sh(line)
    desk.waits = (*files, "link")
    desk.governed.enforce(_POLICY.replace("python3", "script, outer, link"))
    desk.governed.settle = desk.allow_later
    try:
        waited = walled.sh(line)
    finally:
        desk.governed.enforce(_POLICY)
    assert waited.err == "polis: wait\n"
    assert (bare.status, waited.out) == (0, bare.out)


def _put(desk: Desk, name: str, text: str) -> None:
    path = desk.governed.walled.view.tree / name
    path.write_text(text)
    path.chmod(0o755)
    if os.geteuid() == 0:
        os.chown(path, *desk.governed.walled.view.owner)


_BY_DESCRIPTOR = "import os; os.execve(os.open('/usr/bin/uname', 0), ['uname'], os.environ)"
_BY_LINK = "import os, sys; os.execv('/proc/self/exe', ['uname', '-I', '-S', '-c', 'print(1)'])"


@pytest.mark.parametrize(("text", "said"), [(_BY_DESCRIPTOR, "Linux\n"), (_BY_LINK, "1\n")])
def test_what_only_the_process_could_find_is_found_again(desk: Desk, text: str, said: str) -> None:
    desk.governed.settle = desk.allow_later
    result = desk.governed.walled.python(text)
    assert (result.status, result.out, result.err) == (0, said, "polis: wait\n")
