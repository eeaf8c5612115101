"""A saved policy is in force within a second, in keepers too; a bad one leaves the old in force."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from desk import Desk

pytestmark = [pytest.mark.kernel, pytest.mark.alone]

# What a person may wait for a saved rule, with room for a busy machine's tests.
SOON = 1.0
_LOOP = "while date >/dev/null; do sleep 0.05; done; echo over"


def rule(program: str, decide: str = "deny", more: str = "") -> str:
    return (
        f"version: 1\nrules:\n- id: no-{program}\n  program: {program}\n  decide: {decide}\n"
        f"  reason: Not today.\n  examples: {{{decide}: [{program}], pass: [true]}}\n{more}"
    )


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@contextlib.contextmanager
def running(desk: Desk, text: str = _LOOP) -> Iterator[subprocess.Popen[str]]:
    """A script of alice's that starts programs until one is refused: nobody judges its text."""
    script = desk.tree / "loop"
    script.write_text(f"#!/bin/sh\n{text}\n")
    script.chmod(0o755)
    with subprocess.Popen(
        ["polis", "exec", "alice", "--", "./loop"],
        cwd=desk.repository,
        env=desk.installation.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        until(lambda: desk.polis("agents", "list").out.count("running") == 1)
        time.sleep(0.3)
        assert process.poll() is None
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)


def until(holds: Callable[[], object], seconds: float = 10.0) -> float:
    """Waits until it holds; how long that took."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < seconds, "it does not come"
        time.sleep(0.01)
    return time.monotonic() - began


def ends_refused(process: subprocess.Popen[str], rule: str = "no-date") -> float:
    """How long the command goes on until its next program is refused."""
    began = time.monotonic()
    out, err = process.communicate(timeout=15)
    seconds = time.monotonic() - began
    assert (out, f"polis: denied by {rule}: Not today." in err) == ("over\n", True), (out, err)
    return seconds


def trouble(desk: Desk) -> str | None:
    """What polisd says is wrong with what was saved."""
    refused = [entry for entry in desk.log() if entry["kind"].startswith("policy-")]
    return refused[-1]["body"].get("refused") if refused else None


@contextlib.contextmanager
def loading(desk: Desk) -> Iterator[None]:
    """What is saved in here is in force afterwards."""
    desk.polis("policy", "level")
    before = len(desk.log("policy-loaded"))
    yield
    until(lambda: len(desk.log("policy-loaded")) > before)
    time.sleep(0.1)


def user_policies(desk: Desk) -> Path:
    return desk.installation.home / ".config/polis/policies"


def _save_in_repository(desk: Desk) -> None:
    write(desk.repository / ".polis/policy.yaml", rule("date"))


def _save_in_a_folder_of_the_repository(desk: Desk) -> None:
    write(desk.repository / ".polis/policies/dates.yaml", rule("date"))


def _save_for_the_user(desk: Desk) -> None:
    write(user_policies(desk) / "dates.yaml", rule("date"))


def _save_as_editors_do(desk: Desk) -> None:
    write(user_policies(desk) / ".dates.yaml.new", rule("date"))
    (user_policies(desk) / ".dates.yaml.new").rename(user_policies(desk) / "dates.yaml")


def _swap_the_folder(desk: Desk) -> None:
    new = user_policies(desk).with_name("policies.new")
    write(new / "dates.yaml", rule("date"))
    if user_policies(desk).exists():
        user_policies(desk).rename(new.with_name("policies.old"))
    new.rename(user_policies(desk))


def _link_the_folder(desk: Desk) -> None:
    real = desk.installation.home / "dotfiles/policies"
    write(real / "dates.yaml", rule("date"))
    user_policies(desk).parent.mkdir(parents=True, exist_ok=True)
    user_policies(desk).symlink_to(real)


WAYS = {
    "repository": _save_in_repository,
    "its folder": _save_in_a_folder_of_the_repository,
    "user": _save_for_the_user,
    "renamed": _save_as_editors_do,
    "folder swapped": _swap_the_folder,
    "folder linked": _link_the_folder,
}


@pytest.mark.parametrize("way", WAYS)
def test_a_saved_rule_holds_below_a_command_that_runs(desk: Desk, way: str) -> None:
    with running(desk) as process:
        WAYS[way](desk)
        assert ends_refused(process) < SOON
    (event,) = desk.log("exec")
    assert (event["body"]["decision"], event["body"]["rules"]) == ("deny", ["no-date"])


def test_changes_in_places_that_have_been_replaced_are_seen(desk: Desk) -> None:
    """The folders are others by now, and one file is a link to elsewhere."""
    real = desk.installation.home / "dotfiles/elsewhere.yaml"
    write(real, rule("cal"))
    with running(desk) as process:
        user_policies(desk).mkdir(parents=True)
        (user_policies(desk) / "linked.yaml").symlink_to(real)
        for _ in range(3):
            shutil.rmtree(desk.repository / ".polis", ignore_errors=True)
            time.sleep(0.1)
            write(desk.repository / ".polis/policy.yaml", rule("who"))
            time.sleep(0.4)
        assert process.poll() is None
        real.write_text(rule("date"))
        assert ends_refused(process) < SOON
    with running(desk, _LOOP.replace("date", "uname")) as process:
        write(desk.repository / ".polis/policy.yaml", rule("uname"))
        assert ends_refused(process, "no-uname") < SOON


def test_a_rule_that_is_taken_away_holds_no_longer(desk: Desk) -> None:
    with loading(desk):
        _save_for_the_user(desk)
    text = "until date >/dev/null 2>&1; do sleep 0.05; done; echo over"
    with running(desk, text) as process:
        began = time.monotonic()
        (user_policies(desk) / "dates.yaml").rename(desk.installation.home / "gone.yaml")
        assert process.communicate(timeout=15)[0] == "over\n"
        # A file that is moved away is told of half a second later: it may arrive elsewhere.
        assert time.monotonic() - began < SOON + 0.5


def test_a_broken_file_leaves_the_old_in_force_and_says_so(desk: Desk) -> None:
    path = user_policies(desk) / "mine.yaml"
    write(path, rule("cal"))
    with running(desk) as process:
        path.write_text("version: 1\nrules:\n- id: x\n")
        until(lambda: trouble(desk))
        said = f"{path}:3:3: rule x has no examples"
        assert trouble(desk) == said
        ran = desk.polis("policy", "list")
        assert said in ran.err + ran.out
        assert "the last good rules stay in force" in ran.err + ran.out
        assert f"--   policy: {said}; the last good rules stay" in desk.polis("doctor").out
        assert desk.line("cal").status == 126  # the old one holds
        assert process.poll() is None
        path.write_text(rule("date"))
        assert ends_refused(process) < SOON
    assert trouble(desk) is None
    assert desk.polis("policy", "list").status == 0


def test_an_example_that_fails_is_no_policy(desk: Desk) -> None:
    with running(desk) as process:
        path = desk.repository / ".polis/policy.yaml"
        write(path, rule("date").replace("pass: [true]", "pass: [date]"))
        until(lambda: "date" in (trouble(desk) or ""))
        assert process.poll() is None
        path.write_text(rule("date"))
        assert ends_refused(process) < SOON


def test_a_level_reaches_the_keeper(desk: Desk) -> None:
    levels = "  level: {strict: deny, relaxed: pass, balanced: pass}\n"
    text = rule("date", "ask").replace("  reason", levels + "  reason")
    text = text.replace("{ask: [date], pass: [true]}", "{pass: [date, true]}")
    # Strict asks about what no rule names.
    text += "- {id: sleeps, program: sleep, decide: allow, reason: It is harmless.,\n"
    text += "   examples: {allow: [sleep 1], pass: [true]}}\n"
    write(user_policies(desk) / "dates.yaml", text)
    with running(desk) as process:
        assert desk.polis("policy", "level", "strict").status == 0
        assert ends_refused(process) < SOON
    assert desk.polis("policy", "level", "relaxed").status == 0
    with running(desk) as process:
        time.sleep(0.3)
        assert process.poll() is None


def test_trust_reaches_the_keeper(desk: Desk) -> None:
    path = desk.repository / ".polis/policy.yaml"
    with loading(desk):
        write(user_policies(desk) / "dates.yaml", rule("date"))
        why = "reason: Dates are fine here."
        write(path, f"version: 1\nrules:\n- {{override: no-date, off: true, {why}}}\n")
    text = "until date >/dev/null 2>&1; do sleep 0.05; done; echo over"
    with running(desk, text) as process:
        began = time.monotonic()
        assert desk.polis("policy", "trust", str(path)).status == 0
        assert process.communicate(timeout=15)[0] == "over\n"
        assert time.monotonic() - began < SOON
    # Other bytes are not trusted: the rule stands again.
    with running(desk) as process:
        path.write_text(path.read_text() + "# changed\n")
        assert ends_refused(process) < SOON


@contextlib.contextmanager
def no_inotify() -> Iterator[None]:
    """This user has as many inotify instances as it may have."""
    library = ctypes.CDLL(None, use_errno=True)
    taken: list[int] = []
    try:
        while (number := library.inotify_init1(os.O_CLOEXEC)) >= 0 and len(taken) < 900:
            taken.append(number)
        if number >= 0:
            pytest.skip("there are too many to use them up")
        yield
    finally:
        for number in taken:
            os.close(number)


def test_where_nothing_tells_it_is_looked(desk: Desk) -> None:
    """Keepers hear of it within the seconds that polisd looks again, and the log says why once."""
    desk.polis("down")
    with no_inotify(), running(desk) as process:
        _save_for_the_user(desk)
        assert ends_refused(process) < 5 + SOON
    log = (desk.installation.folder / "state/polis/polisd.log").read_text()
    assert log.count("policies are looked at every few seconds only") == 1


def test_polisd_does_nothing_while_nothing_happens(desk: Desk) -> None:
    assert desk.line("true").status == 0
    (polisd,) = desk.pids("-m cash.daemon")
    time.sleep(1.0)
    before, began = _cpu_of(polisd), time.monotonic()
    time.sleep(6.0)
    assert (_cpu_of(polisd) - before) / (time.monotonic() - began) < 0.01


def _cpu_of(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_loading_keeps_nobody_waiting(desk: Desk) -> None:
    """Calls are answered while a large policy is tried."""
    assert desk.line("true").status == 0
    many = "".join(
        f"- {{id: no-x{n}, program: x{n}, decide: deny, reason: No., "
        f"examples: {{deny: ['x{n} a | x{n} b; x{n}'], pass: [true]}}}}\n"
        for n in range(400)
    )
    write(user_policies(desk) / "many.yaml", f"version: 1\nrules:\n{many}")
    worst, began, loaded = 0.0, time.monotonic(), len(desk.log("policy-loaded"))
    while len(desk.log("policy-loaded")) == loaded:
        asked = time.monotonic()
        assert json.loads(desk.polis("policy", "level", "--json").out)["level"] == "balanced"
        worst = max(worst, time.monotonic() - asked)
        assert time.monotonic() - began < 20
    assert worst < 0.5
