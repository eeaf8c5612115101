"""All processes of the machine, by one look that starts nothing."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from cash.sessions.census import read_argv, read_table


def test_a_process_is_found_below_its_root_with_what_it_uses() -> None:
    script = "import subprocess, sys; print(flush=True); subprocess.run(['sleep', '30'])"
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        parent.stdout.readline()
        try:
            deadline = time.monotonic() + 10
            found = {}
            while len(found) < 2 and time.monotonic() < deadline:
                found = {one.pid: one for one in read_table(0).below([parent.pid])}
            (child,) = set(found) - {parent.pid}
            assert found[child].parent == parent.pid
            assert found[parent.pid].memory > 1_000_000
            assert found[parent.pid].key == (parent.pid, found[parent.pid].began)
            assert read_argv(parent.pid)[1:] == ("-c", script)
        finally:
            for pid in found:
                os.kill(pid, 9)


def test_what_has_ended_is_nowhere() -> None:
    with subprocess.Popen(["true"]) as ended:
        ended.wait()
    assert list(read_table(0).below([ended.pid])) == []
    assert read_argv(ended.pid) == ()


def test_a_name_may_hold_anything(tmp_path: Path) -> None:
    program = tmp_path / "a ) b (c"
    program.symlink_to("/bin/sleep")
    with subprocess.Popen([program, "30"]) as process:
        try:
            deadline = time.monotonic() + 10
            while b") b" not in Path(f"/proc/{process.pid}/stat").read_bytes():
                assert time.monotonic() < deadline
            assert read_table(0).processes[process.pid].parent == os.getpid()
        finally:
            process.kill()
