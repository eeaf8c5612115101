"""The interactive shell as a person uses it, through a real terminal."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import termios
import time
from pathlib import Path

import pytest
from screen import Terminal
from shop import Shop, Sit

from cash.daemon.client import call
from cash.places import find_places

pytestmark = pytest.mark.kernel

PROMPT = r"\$$"


def test_a_line_runs_inside_the_walls(alice: Terminal, shop: Shop) -> None:
    screen = alice.enter("echo here > made.txt; hostname; test -t 0 && test -t 1 && tty; pwd")
    assert re.search(r"^alice$", screen, re.M)
    assert re.search(r"^/dev/pts/\d+$", screen, re.M)
    assert (shop.tree / "made.txt").read_text() == "here\n"


def test_bash_keeps_its_state_from_line_to_line(alice: Terminal) -> None:
    alice.enter("A='it'\"'\"'s'; export B=2; f() { echo \"f:$A:$1\"; }; cd /tmp; alias g='f alias'")
    assert alice.last_line.endswith(" /tmp $")
    assert re.search(r"^f:it's:x 2$", alice.enter("echo $(f x) $(printenv B)"), re.M)
    assert re.search(r"^f:it's:alias$", alice.enter("g"), re.M)
    assert alice.enter("declare -i n=40+2; set -- a b").endswith("$")
    assert re.search(r"^42 2$", alice.enter("echo $n $#"), re.M)


def test_a_failed_line_shows_its_status(alice: Terminal) -> None:
    alice.enter("(exit 7)", r" \[7\] \$$")
    assert re.search(r"^7$", alice.enter("echo $?"), re.M)
    assert "[" not in alice.last_line


def test_a_refused_line_runs_nothing_and_is_status_126(alice: Terminal, shop: Shop) -> None:
    screen = alice.enter("echo hi > first-half.txt; rm -rf /", r" \[126\] \$$")
    assert re.search(r"^polis: denied by [a-z-]+: \w", screen, re.M)
    assert re.search(r"^hint: \w", screen, re.M)
    assert not (shop.tree / "first-half.txt").exists()
    assert re.search(r"^126$", alice.enter("echo $?"), re.M)


def test_a_line_with_bad_syntax_is_refused_as_bash_does(alice: Terminal, shop: Shop) -> None:
    screen = alice.enter("echo no >made; )")
    assert "polis: bad syntax, none of it was run: line 1: syntax error near" in screen
    assert alice.enter("echo was-$?").splitlines()[-2] == "was-2"
    assert not (shop.tree / "made").exists()


def test_a_rewritten_line_says_what_runs(alice: Terminal, shop: Shop) -> None:
    screen = alice.enter("npm uninstall left-pad && echo so-$((40 + 2))")
    wanted = (
        r"^polis: rewritten by npm-to-pnpm: pnpm remove left-pad && echo so-.*\n"
        r"asked: pnpm remove left-pad\nso-42$"
    )
    assert re.search(wanted, screen, re.M), screen


@pytest.mark.parametrize(
    ("key", "said", "status"), [("y", "yes, once", 0), ("n", "no", 126), ("\x03", "no", 126)]
)
def test_a_question_is_answered_in_place(
    alice: Terminal, shop: Shop, key: str, said: str, status: int
) -> None:
    line = f"git push --force origin HEAD:gone-{ord(key)} 2>/dev/null; echo ran-$((40 + 2))"
    alice.type(line + "\r")
    screen = alice.wait_for(r"\[y\] once  \[s\] this session  \[n\] no  \[e\] explain$")
    assert re.search(r"^polis: [a-z-]+ asks: \w", screen, re.M)
    assert "ran-42" not in screen
    alice.type(key)
    screen = alice.wait_last(r" \[126\] \$$" if status else r"tree \$$")
    assert said in screen
    assert ("ran-42" in screen) is (status == 0)


def test_a_host_allowed_with_its_line_is_not_asked_about_again(alice: Terminal, shop: Shop) -> None:
    for end in ("y", "n"):
        alice.type(f"curl -sS -o {end}.txt -w 'so-%{{http_code}}\\n' http://{end}.example/\r")
        alice.wait_last(r"explain$")
        alice.press(end, r"tree( \[\d+\])? \$$")
    assert re.search(r"^so-502$", alice.text, re.M)
    connects = [json.loads(line)["body"] for line in shop.log().splitlines() if '"connect"' in line]
    assert [(one["host"], one["approval"]) for one in connects if "port" in one] == [
        ("y.example", "allowed with its line")
    ]


def test_a_question_explains_itself(alice: Terminal) -> None:
    alice.type("git push --force origin HEAD:explained\r")
    alice.wait_for(r"explain$")
    alice.type("e")
    alice.wait_for(r"^  runs: git push --force origin HEAD:explained$")
    alice.wait_for(r"explain$")
    alice.type("n")
    alice.wait_last(r"\[126\] \$$")


def test_a_question_is_answered_from_elsewhere(alice: Terminal, shop: Shop) -> None:
    alice.type("git push --force origin HEAD:elsewhere 2>/dev/null; echo ran-$((40 + 2))\r")
    alice.wait_for(r"explain$")
    listed = shop.installation.polis("approvals", "list", "--json", cwd=shop.repository)
    (question,) = [one for one in json.loads(listed.out) if "elsewhere" in one["line"]]
    allowed = shop.installation.polis("approvals", "allow", question["id"], cwd=shop.repository)
    assert allowed.status == 0, allowed.err
    assert "ran-42" in alice.wait_last(PROMPT)


def test_keys_typed_before_a_question_do_not_answer_it(alice: Terminal, shop: Shop) -> None:
    polisd = call(find_places(shop.environment), "ping", start=False)["pid"]
    alice.type("git push -f; echo ran-$((40 + 2))")
    alice.wait_for(r"ask force-push$")
    os.kill(polisd, signal.SIGSTOP)  # so that Enter waits for the verdict while a key is pressed
    try:
        alice.type("\r")
        time.sleep(0.3)
        alice.type("y")
        time.sleep(0.1)
    finally:
        os.kill(polisd, signal.SIGCONT)
    alice.wait_for(r"explain$")
    assert "yes" not in alice.text
    alice.type("n")
    assert "ran-42" not in alice.wait_last(r"\[126\] \$$")


def test_vim_edits_and_saves(alice: Terminal, shop: Shop) -> None:
    alice.type("vim -u NONE note.txt\r")
    alice.wait_for(r"^~$")
    alice.type("ione\rtwo\x1b")
    alice.wait_for(r"^two$")
    alice.type(":wq\r")
    alice.wait_last(PROMPT)
    assert (shop.tree / "note.txt").read_text() == "one\ntwo\n"
    assert re.search(r"^2 note.txt$", alice.enter("wc -l note.txt"), re.M)


def test_less_pages(alice: Terminal) -> None:
    alice.type("seq 500 | less\r")
    alice.wait_last(r"^:$")
    alice.type(" ")
    alice.wait_for(r"^40$")
    alice.type("G")
    alice.wait_for(r"^500$")
    alice.type("q")
    alice.wait_last(PROMPT)


def test_jobs_stop_continue_and_end(alice: Terminal) -> None:
    alice.type("echo go; sleep 300\r")
    alice.wait_for(r"^go$")
    alice.press("\x1a", r"\[148\] \$$")
    assert re.search(r"^\[1\]\+ +Stopped +sleep 300$", alice.text, re.M)
    alice.enter("bg")
    assert re.search(r"^\[1\]\+ +Running +sleep 300 &$", alice.enter("jobs"), re.M)
    alice.type("fg\r")
    alice.wait_last(r"^sleep 300$")
    alice.press("\x03", r"\[130\] \$$")
    alice.enter("sleep 0.2 &")
    alice.enter("sleep 0.4")
    assert re.search(r"^\[1\]\+ +Done +sleep 0.2$", alice.enter(""), re.M)


def test_a_here_document_and_an_open_quote_continue_the_line(alice: Terminal) -> None:
    alice.type("cat <<'EOF'\r")
    alice.wait_last(r"^>$")
    alice.type("it's $HOME\r")
    alice.wait_last(r"^>$")
    screen = alice.enter("EOF")
    assert re.search(r"^it's \$HOME$", screen, re.M)
    alice.type('echo "a\r')
    alice.wait_last(r"^>$")
    assert re.search(r"^a\nb$", alice.enter('b"'), re.M)
    alice.type('echo "never\r')
    alice.wait_last(r"^>$")
    alice.press("\x03", r"\[130\] \$$")


def test_a_pasted_block_is_one_line(alice: Terminal) -> None:
    alice.type("\x1b[200~for i in 1 2 3; do\n  echo item-$i\ndone\x1b[201~")
    screen = alice.enter("")
    assert re.search(r"^item-1\nitem-2\nitem-3$", screen, re.M)


def test_the_window_size_follows(alice: Terminal) -> None:
    assert re.search(r"^24 90$", alice.enter("stty size"), re.M)
    alice.resize(30, 100)
    assert re.search(r"^30 100$", alice.enter("stty size"), re.M)
    # A job's own group hears of it. Not a loop of bash's: that goes on when the Ctrl-C meets a
    # child which has just ended by itself.
    # And no print: another signal may come in the middle of it.
    heard = "lambda *_: os.write(1, b'%d %d\\n' % os.get_terminal_size()[::-1])"
    wait = "[signal.pause() for _ in range(9)]"
    script = f"import os, signal; signal.signal(28, {heard}); print('ready', flush=True); {wait}"
    alice.type(f'python3 -c "{script}"\r')
    alice.wait_for(r"^ready$")
    alice.resize(20, 70)
    alice.wait_for(r"^20 70$")
    alice.press("\x03", r"\[130\] \$$")


def test_ctrl_c_ends_what_runs_and_drops_the_rest(alice: Terminal) -> None:
    alice.type("echo go; sleep 300; echo after-$((1 + 1))\r")
    alice.wait_for(r"^go$")
    alice.press("\x03", r"\[130\] \$$")
    assert "after-2" not in alice.text
    alice.type("while true; do echo again; sleep 1; done\r")
    alice.wait_for(r"^again$")
    alice.press("\x03", r"\[130\] \$$")


def test_ctrl_c_at_the_prompt_drops_the_line(alice: Terminal, shop: Shop) -> None:
    alice.type("touch dropped.txt")
    alice.wait_for(r"dropped.txt")
    alice.press("\x03", r"\[130\] \$$")
    assert not (shop.tree / "dropped.txt").exists()


def test_ctrl_z_at_the_prompt_types_nothing(alice: Terminal) -> None:
    alice.type("\x1aecho so-$((40 + 2))\x1a\r")
    assert re.search(r"^so-42$", alice.wait_last(PROMPT), re.M)


def test_rules_that_do_not_load_are_named_on_entering(sit: Sit, shop: Shop) -> None:
    file = shop.repository / ".polis" / "policy.yaml"
    file.parent.mkdir()
    file.write_text("rules: [\n")
    try:
        terminal = sit("polis", "shell", "alice", columns=300)
        screen = terminal.wait_last(PROMPT)
        adopted = shop.installation.polis("init", cwd=shop.repository)
    finally:
        shutil.rmtree(file.parent)
    said = f"{file}:2:1: did not find expected node content; the last good rules stay in force"
    assert f"polis: {said}\nhint: polis policy lint\n" in screen
    assert f"note: {said}\n" in adopted.out
    deadline = time.monotonic() + 20
    while "polis: " in sit("polis", "shell", "alice").wait_last(PROMPT):
        assert time.monotonic() < deadline  # what changed is read within a second


def test_what_is_typed_ahead_is_judged(alice: Terminal, shop: Shop) -> None:
    alice.type("sleep 1; echo slept\r")
    alice.wait_for(r"slept +allow")
    alice.type("echo ahead > ahead.txt; rm -rf /\r")
    alice.wait_for(r"^polis: denied by ")
    alice.wait_last(r"\[126\] \$$")
    assert not (shop.tree / "ahead.txt").exists()


def test_a_command_reads_what_is_typed(alice: Terminal) -> None:
    alice.type("read -p 'name? ' -r who; echo \"<$who>\"\r")
    alice.wait_last(r"^name\?$")
    assert re.search(r"^<Ada L>$", alice.enter("Ada L"), re.M)
    alice.type("cat\r")
    alice.wait_for(r"cat +allow")
    alice.type("one\r")
    alice.wait_for(r"^one\none$")
    alice.type("\x04")
    alice.wait_last(PROMPT)


def test_much_output_comes_whole(alice: Terminal) -> None:
    screen = alice.enter("seq 100000; echo sum-$((1 + 1))")
    assert re.search(r"^99999\n100000\nsum-2$", screen, re.M)
    numbers = re.findall(rb"^(\d+)\r?$", alice.transcript, re.M)
    assert [int(number) for number in numbers[-99999:]] == list(range(2, 100001))


def test_invalid_utf8_and_a_missing_line_end_do_no_harm(alice: Terminal) -> None:
    alice.enter(r"printf '\377\376caf\351\n'; printf unfinished")
    assert b"\xff\xfecaf\xe9" in alice.transcript
    assert re.search(r"^unfinished%$", alice.text, re.M)
    assert alice.last_line.startswith("alice ")


def test_a_background_job_writes_above_the_prompt(alice: Terminal) -> None:
    alice.enter("(sleep 0.3; echo from-behind) &")
    alice.type("echo half")
    alice.wait_for(r"^from-behind$")
    alice.wait_last(r"\$ echo half( +allow)?$")
    assert re.search(r"^half done$", alice.enter(" done"), re.M)


def test_children_see_neither_pipe(alice: Terminal) -> None:
    screen = alice.enter("for n in 0 1 2 3 4 5 200 201; do readlink /proc/self/fd/$n; done")
    assert "pipe:" not in screen
    screen = alice.enter("bash -c 'printf %s\\\\0 9 0 /forged >&200'; echo tried-$((1 + 1))")
    assert "tried-2" in screen
    assert "Bad file descriptor" in screen


def test_ctrl_d_and_exit_leave(sit: Sit) -> None:
    for keys, status in (("\x04", 0), ("exit 7\r", 7), ("(exit 3)\r\x04", 3)):
        terminal = sit("polis", "shell", "alice")
        terminal.wait_last(PROMPT)
        terminal.type(keys)
        assert terminal.wait_end() == status


@pytest.mark.parametrize(
    ("program", "prompt", "last", "status"),
    [
        ("bash --norc", r"^bash-[\d.]+\$$", "exit 4\r", 4),
        ("sh", r"^\$$", "\x04", 0),
        ("sleep 300", r"exec sleep 300 +allow$", "\x03", 130),
        ("cat", r"exec cat +allow$", "\x04", 0),
    ],
)
def test_exec_puts_a_program_in_the_shells_place(
    alice: Terminal, program: str, prompt: str, last: str, status: int
) -> None:
    alice.type(f"exec {program}\r")
    alice.wait_last(prompt)
    if "sh" in program:
        alice.type("echo sum-$((40 + 2))\r")
        alice.wait_for(r"^sum-42$")
        alice.wait_last(prompt)
    else:
        time.sleep(0.5)  # a key that comes before the exec is the line's
    alice.type(last)
    assert alice.wait_end() == status


def test_exec_of_what_is_not_there_leaves_the_shell(alice: Terminal) -> None:
    alice.enter("exec no-such-program", r" \[127\] \$$")
    assert re.search(r"^so-42$", alice.enter("echo so-$((40 + 2))"), re.M)


def test_a_shell_that_can_report_no_more_ends(alice: Terminal) -> None:
    alice.type("set -o ignoreeof; PROMPT_COMMAND='exec 200>&-'\r")
    alice.wait_for(r"explain$")
    alice.type("y")
    alice.wait_end()


def test_a_lines_last_word_is_bashs_own(alice: Terminal) -> None:
    alice.enter("mkdir -p some/deep/place")
    assert alice.enter("cd $_").endswith("tree/some/deep/place $")
    alice.enter("(exit 7) # no word", r" \[7\] \$$")
    assert re.search(r"^7 some/deep/place$", alice.enter("echo $? $_"), re.M)


def test_the_shells_own_ways_hardly_show(alice: Terminal) -> None:
    alice.enter("history; fc -l; env; alias; trap -p; (set -o posix; set); declare -F")
    shown = alice.transcript.decode()
    assert set(re.findall(r"\w*polis_\w*", shown)) == {
        *("__polis_last", "__polis_word"),
        *("__polis_end", "__polis_keep"),
    }
    assert "eval" not in shown


def test_stopped_jobs_are_named_once_before_leaving(alice: Terminal) -> None:
    alice.type("echo go; sleep 300\r")
    alice.wait_for(r"^go$")
    alice.press("\x1a", r"\[148\] \$$")
    alice.enter("exit", r"\[1\] \$$")
    assert "There are stopped jobs." in alice.text
    alice.type("exit 5\r")
    assert alice.wait_end() == 5


def test_the_terminal_is_as_before_whatever_ends_the_shell(shop: Shop, caller: Terminal) -> None:
    before = termios.tcgetattr(caller.descriptor)
    for ending in ("\x04", "exec false\r", "kill -9 $$\r"):
        caller.type("polis shell alice\r")
        caller.wait_last(r"tree \$$")
        caller.type(ending)
        caller.wait_last(r"^OUT>$")
        assert termios.tcgetattr(caller.descriptor) == before
    for number in (signal.SIGTERM, signal.SIGHUP):
        for busy in (False, True):
            caller.type("polis shell alice\r")
            caller.wait_last(r"tree \$$")
            if busy:
                caller.type("echo go; sleep 300\r")
                caller.wait_for(r"^go$")
            os.kill(os.tcgetpgrp(caller.descriptor), number)
            caller.wait_last(r"^OUT>$")
            assert termios.tcgetattr(caller.descriptor) == before
            caller.type("clear\r")
            caller.wait_last(r"^OUT>$")


def test_the_history_comes_back_without_its_secrets(sit: Sit, shop: Shop) -> None:
    secret = "ghp_" + "a8Jk2LmN9pQrS4tUvWxYz0123456789AbCdE"
    first = sit("polis", "shell", "bob")
    first.wait_last(PROMPT)
    first.enter(f"GH_TOKEN={secret} true")
    first.enter(" echo not kept")
    first.type("\x04")
    first.wait_end()
    kept = shop.tree.parents[2] / "bob/history"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert secret not in kept.read_text()
    assert "not kept" not in kept.read_text()
    second = sit("polis", "shell", "bob")
    second.wait_last(PROMPT)
    second.type("\x1b[A")
    second.wait_for(r"\$ GH_TOKEN=")
    assert secret not in second.text


def test_lines_are_journaled_with_their_status(alice: Terminal, shop: Shop) -> None:
    alice.enter("(exit 9) # journaled-line", r"\[9\]")
    alice.type("\x04")
    alice.wait_end()
    events = [json.loads(line) for line in shop.log().splitlines()]
    (judged,) = [one for one in events if "journaled-line" in str(one.get("body", {}).get("line"))]
    number = judged["body"]["id"]
    (ran,) = [one for one in events if one["kind"] == "ran" and one["body"]["id"] == number]
    assert ran["body"]["status"] == 9


def test_a_prompt_far_from_the_tree_and_another_branch(sit: Sit) -> None:
    terminal = sit("polis", "shell", "bob")
    terminal.wait_last(PROMPT)
    terminal.enter("git switch -q -c topic; cd ~", r"^bob topic \w+ ~ \$$")


def test_the_shell_survives_polisd(alice: Terminal, shop: Shop) -> None:
    alice.enter("kept=yes")
    places = find_places(shop.environment)
    os.kill(call(places, "ping", start=False)["pid"], signal.SIGKILL)
    assert re.search(r"^kept: yes$", alice.enter('echo "kept: $kept"'), re.M)


def test_walls_that_come_down_end_the_shell(sit: Sit, shop: Shop) -> None:
    terminal = sit("polis", "shell", "bob")
    terminal.wait_last(PROMPT)
    stopped = shop.installation.polis("agents", "stop", "bob", cwd=shop.repository)
    assert stopped.status == 0, stopped.err
    terminal.wait_for(r"^polis: the shell in the walls has ended$")
    assert terminal.wait_end() in (129, 137)


def test_an_unknown_agent_is_named(shop: Shop, sit: Sit) -> None:
    terminal = sit("polis", "shell", "alcie")
    terminal.wait_for(r"^polis: there is no agent 'alcie'$")
    terminal.wait_for(r"^hint: did you mean alice\?")
    assert terminal.wait_end() == 64


def test_a_script_on_standard_input_is_one_judged_line(shop: Shop) -> None:
    script = b"echo one\nfor i in 1 2; do\n echo $i\ndone\nexit 3\n"
    ran = shop.installation.polis("shell", "alice", input=script, cwd=shop.repository)
    assert (ran.status, ran.out, ran.err) == (3, "one\n1\n2\n", "")
    script = b"echo one > half.txt\nrm -rf /\n"
    ran = shop.installation.polis("shell", "alice", input=script, cwd=shop.repository)
    assert ran.status == 126
    assert not (shop.tree / "half.txt").exists()


def test_bytes_that_are_no_script_are_named(shop: Shop) -> None:
    ran = shop.installation.polis("shell", "alice", input=b"echo\0one", cwd=shop.repository)
    assert (ran.status, ran.out) == (64, "")
    assert ran.err == "polis: what came on standard input is no script: it holds NUL bytes\n"


def test_a_closed_window_ends_shell_and_commands(shop: Shop) -> None:
    for keys, sign in (("", PROMPT), ("echo $$-mark; sleep 333\r", r"^\d+-mark$")):
        with shop.open_terminal("polis", "shell", "alice") as terminal:
            terminal.wait_last(PROMPT)
            terminal.type(keys)
            terminal.wait_for(sign)
            pid = terminal.pid
        assert not os.path.exists(f"/proc/{pid}")
    deadline = time.monotonic() + 10
    while (left := sleepers("333")) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not left


def sleepers(seconds: str) -> list[str]:
    found = Path("/proc").glob("[0-9]*/cmdline")
    wanted = f"sleep\0{seconds}\0".encode()
    return [path.parent.name for path in found if read_quietly(path) == wanted]


def read_quietly(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
