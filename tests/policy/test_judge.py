from __future__ import annotations

from dataclasses import replace

import pytest
from rules import actions, judge, outcome, policy_of, read_nested, rule_of

from cash.policy.action import Exec, ToolCall, Write
from cash.policy.examples import USUAL
from cash.policy.judge import judge_line, judging
from cash.policy.policy import Policy
from cash.policy.verdict import Decision, Grant, Level
from cash.syntax.command import Line, Word

NPM = {"id": "a", "program": "npm", "args": ["install|i", "..."], "rewrite": "pnpm add $rest"}
PNPM = rule_of(program="npm", args=["install|i", "..."], rewrite="pnpm add $rest")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("npm i x", "pnpm add x"),
        ("  npm   i\tx  ", "  pnpm add x  "),
        ("npm i -D x", "pnpm add -D x"),
        ("npm i x && echo $HOME | cat", "pnpm add x && echo $HOME | cat"),
        ("npm i x; npm install y", "pnpm add x; pnpm add y"),
        ("npm i 'a b' \"$X\" $(date) ~/y *.z", "pnpm add 'a b' \"$X\" $(date) ~/y *.z"),
        ("A=1 npm i x >log 2>&1 &", "A=1 pnpm add x >log 2>&1 &"),
        ("npm >log i x", "pnpm add x >log"),
        ("sudo npm i x", "sudo pnpm add x"),
        ("env A=1 timeout 5 npm i x", "env A=1 timeout 5 pnpm add x"),
        ("(cd x && npm i)", "(cd x && pnpm add)"),
        ("echo $(npm i x)", "echo $(pnpm add x)"),
        ("npm i $(npm i y)", "pnpm add $(pnpm add y)"),
        ("if npm i x; then :; fi", "if pnpm add x; then :; fi"),
        ("npm i \\\n  x", "pnpm add x"),
        ("npm i é ; echo é", "pnpm add é ; echo é"),
        ("npm run x", None),
    ],
)
def test_rewriting_in_place(line: str, expected: str | None) -> None:
    verdict = judge(PNPM, line)
    assert verdict.rewritten == expected
    assert verdict.decision is (Decision.ALLOW if expected is None else Decision.REWRITE)


@pytest.mark.parametrize(
    ("line", "new"),
    [
        ("bash -c 'npm i x'", "pnpm add x"),
        ("echo y | xargs npm i", "pnpm add …"),
        ("eval 'npm i \"a b\"'", "pnpm add 'a b'"),
    ],
)
def test_a_command_in_quotes_is_refused_with_its_new_form(line: str, new: str) -> None:
    verdict = judge(PNPM, line)
    assert (verdict.decision, verdict.rewritten) == (Decision.DENY, None)
    assert (verdict.matches[0].rule, verdict.matches[0].hint) == ("rule", f"send it as: {new}")


def test_the_rewritten_line_is_judged_again() -> None:
    asks = {"id": "b", "program": "pnpm", "decide": "ask"}
    verdict = judge(policy_of(NPM, asks), "npm i x")
    assert verdict.decision is Decision.ASK
    assert verdict.rewritten == "pnpm add x"
    assert [one.rule for one in verdict.matches] == ["b", "a"]
    assert verdict.commands == (("pnpm", "add", "x"),)


def test_what_the_first_line_had_against_it_stays() -> None:
    denies = {"id": "b", "program": "npm", "decide": "deny"}
    verdict = judge(policy_of(NPM, denies), "npm i x")
    assert verdict.decision is Decision.DENY


def test_rewrites_do_not_go_round_in_circles() -> None:
    there = {"id": "a", "program": "x", "rewrite": "y $args"}
    back = {"id": "b", "program": "y", "rewrite": "x $args"}
    verdict = judge(policy_of(there, back), "x 1")
    assert (verdict.decision, verdict.rewritten) == (Decision.DENY, None)
    assert verdict.matches[0].rule == "rewrite-loop"
    same = judge(rule_of(program="x", rewrite="x $args"), "x 1")
    assert same.decision is Decision.REWRITE


def test_a_reader_elsewhere_drives_the_same_steps() -> None:
    steps = judging(PNPM, read_nested("npm i x; npm i y"), USUAL)
    text = next(steps)
    assert text == "pnpm add x; pnpm add y"
    with pytest.raises(StopIteration) as ended:
        steps.send(read_nested(text))
    assert ended.value.value.rewritten == text


def test_a_rewritten_line_that_cannot_be_read_is_asked_about() -> None:
    verdict = judge_line(
        PNPM, read_nested("npm i x"), USUAL, read=lambda text: Line(text, trouble="too slow")
    )
    assert (verdict.decision, verdict.rewritten) == (Decision.ASK, "pnpm add x")
    assert verdict.matches[0].rule == "not-understood"


def test_grants_are_the_commands_that_are_known() -> None:
    verdict = judge(PNPM, "npm i x | tee $F; cd y && make -j2 'a b'; X=1; ls $X; $CC; ssh h ls")
    tree = USUAL.tree
    assert verdict.grants == (
        Grant(("pnpm", "add", "x"), tree, "pnpm"),
        Grant(("cd", "y"), tree, "cd"),
        Grant(("make", "-j2", "a b"), f"{tree}/y", "make"),
        Grant(("ssh", "h", "ls"), f"{tree}/y", "ssh"),
    )
    assert not judge(rule_of(program="rm"), "ls; rm x").grants


def test_the_strictest_of_all_decides() -> None:
    policy = policy_of(
        {"id": "a", "program": "x", "decide": "allow"},
        {"id": "b", "program": "x", "decide": "deny"},
        {"id": "c", "program": "x", "decide": "ask"},
    )
    verdict = judge(policy, "x 1; echo")
    assert verdict.decision is Decision.DENY
    assert [(one.rule, one.decision.word) for one in verdict.matches] == [
        ("b", "deny"),
        ("c", "ask"),
        ("a", "allow"),
    ]
    assert verdict.matches[0].words == "x 1"


@pytest.mark.parametrize(
    ("line", "relaxed", "balanced", "strict", "observe"),
    [
        ("make", "allow", "allow", "ask", "allow"),
        ("cd x; echo y; [ -f z ]", "allow", "allow", "allow", "allow"),
        ("echo > f", "allow", "allow", "ask", "allow"),
        ("echo > /elsewhere/f", "allow", "allow", "allow", "allow"),
        ("known", "allow", "allow", "allow", "allow"),
        ("$CC x", "ask", "ask", "ask", "allow"),
        ("echo 'x", "ask", "ask", "ask", "allow"),
        ("levelled", "allow", "ask", "deny", "allow"),
        ("denied", "deny", "deny", "deny", "allow"),
    ],
)
def test_levels(line: str, relaxed: str, balanced: str, strict: str, observe: str) -> None:
    policy = policy_of(
        {"id": "a", "program": "known", "decide": "allow"},
        {"id": "b", "program": "denied", "decide": "deny"},
        {
            "id": "c",
            "program": "levelled",
            "decide": "ask",
            "level": {"relaxed": "pass", "strict": "deny"},
        },
    )
    found = [judge(policy, line, level=level).decision.word for level in Level]
    assert found == [observe, relaxed, balanced, strict]


def test_observing_keeps_what_it_sees() -> None:
    verdict = judge(PNPM, "npm i x; $CC", level=Level.OBSERVE)
    assert (verdict.decision, verdict.rewritten) == (Decision.ALLOW, None)
    assert [(one.rule, one.decision.word) for one in verdict.matches] == [
        ("dynamic-command", "ask"),
        ("rule", "rewrite"),
    ]


def test_where_a_keeper_judges_again_nothing_is_guessed() -> None:
    policy = rule_of(program="rm", paths="$root", unknown="ask")
    assert judge(policy, 'rm "$X"; $CC').decision is Decision.ASK
    assert judge(policy, 'rm "$X"; $CC', enforced=True).decision is Decision.ALLOW
    assert judge(policy, "X=/; rm $X", enforced=True).decision is Decision.DENY


def test_a_line_that_is_not_understood_still_has_its_commands_judged() -> None:
    policy = rule_of(program="rm")
    line = replace(read_nested("rm x"), trouble="the readers disagree")
    verdict = judge_line(policy, line, USUAL, read=read_nested)
    assert [(one.rule, one.decision.word) for one in verdict.matches] == [
        ("rule", "deny"),
        ("not-understood", "ask"),
    ]
    assert verdict.matches[1].reason == "the readers disagree"


def test_too_many_commands_are_not_understood() -> None:
    verdict = judge(rule_of(program="rm"), "a;" * 2000)
    assert [one.rule for one in verdict.matches] == ["not-understood"]


def test_conditions() -> None:
    policy = policy_of(
        {
            "id": "a",
            "program": "npm",
            "decide": "ask",
            "when": {"lockfile": "package-lock.json", "has": "pnpm", "agent": "alice"},
            "unless": [{"adopted": "npm"}, {"cwd": "$tree/legacy/**"}, {"args": ["view", "..."]}],
        },
    )
    facts = replace(USUAL.facts, lockfiles=frozenset(("package-lock.json",)))
    assert judge(policy, "npm x", facts=facts).decision is Decision.ASK
    assert judge(policy, "npm x").decision is Decision.ALLOW
    assert judge(policy, "npm x", facts=facts, agent="bob").decision is Decision.ALLOW
    adopted = replace(facts, adopted="npm")
    assert judge(policy, "npm x", facts=adopted).decision is Decision.ALLOW
    assert judge(policy, "cd legacy/a && npm x", facts=facts).decision is Decision.ALLOW
    assert judge(policy, "npm view y", facts=facts).decision is Decision.ALLOW
    # What is not known excuses nothing.
    assert judge(policy, "npm $VIEW", facts=facts).decision is Decision.ASK
    assert judge(policy, "cd $X && npm x", facts=facts).decision is Decision.ASK


def test_unless_wants_all_of_several() -> None:
    policy = rule_of(program="rm", unless={"paths": "build/**"})
    assert judge(policy, "rm build/a build/b").decision is Decision.ALLOW
    assert judge(policy, "rm build/a src").decision is Decision.DENY
    one_is_enough = rule_of(program="rm", unless={"paths": {"any": "build/**"}})
    assert judge(one_is_enough, "rm build/a src").decision is Decision.ALLOW


def test_a_glob_excuses_only_what_it_surely_names() -> None:
    policy = rule_of(
        reads="~/.ssh/**", unless={"reads": {"all": ["~/.ssh/*.pub", "~/.ssh/shown/**"]}}
    )
    expected = {
        "cat ~/.ssh/id_rsa": "deny",
        "cat ~/.ssh/id_rsa.pub": "pass",
        "cat ~/.ssh/*.pub": "pass",
        "cat ~/.ssh/id_*.pub": "pass",
        "cat ~/.ssh/shown/*": "pass",
        "cat ~/.ssh/id_*": "deny",
        "cat ~/.ssh/*": "deny",
        "cat ~/.ssh/*/*": "deny",
        "cat ~/.ssh/*.pub ~/.ssh/x": "deny",
        "cat ~/.ssh/$X.pub": "pass",
    }
    assert {line: outcome(policy, line) for line in expected} == expected
    asking = rule_of(reads="~/.ssh/**", unless={"reads": "~/.ssh/*.pub"}, unknown="ask")
    assert outcome(asking, "cat ~/.ssh/$X.pub") == "ask"
    inside = rule_of(program="rm", unless={"paths": "$inside"})
    assert outcome(inside, "rm build/* *.o") == "pass"
    assert outcome(inside, "rm ../*") == "deny"


def test_a_bare_star_reads_no_certain_secret() -> None:
    policy = rule_of(reads=["*.pem", "id_rsa", "~/.ssh/**"], unknown="ask")
    expected = {
        "cat *": "ask",
        "cat src/*": "ask",
        "cat *.pem": "deny",
        "cat id*": "deny",
        "cat ~/.ssh/*": "deny",
        "cat *.txt": "pass",
    }
    assert {line: outcome(policy, line) for line in expected} == expected


def test_alternatives_in_a_rule() -> None:
    policy = rule_of(
        any=[{"program": "find", "flags": ["-delete"]}, {"program": "fd", "text": "re:-x rm"}]
    )
    denied = ["find . -delete", "fd x -x rm"]
    passed = ["find .", "fd x", "rm x", "fd -delete"]
    assert {judge(policy, line).decision for line in denied} == {Decision.DENY}
    assert {judge(policy, line).decision for line in passed} == {Decision.ALLOW}


@pytest.mark.parametrize(
    ("keys", "denied", "passed"),
    [
        ({"inside": "sudo|xargs"}, ["sudo rm x", "ls | xargs rm"], ["rm x"]),
        ({"inside": "function *"}, ["f() { rm x; }"], ["rm x"]),
        ({"env": {"LD_*": "*"}}, ["LD_PRELOAD=x rm", "env LD_A=1 rm"], ["A=1 rm", "rm"]),
        ({"env": {"A": "1", "B": "*"}}, ["A=1 B=2 rm"], ["A=1 rm", "A=2 B=1 rm"]),
        ({"remote": True}, ["ssh h rm x"], ["rm x"]),
        ({"remote": False}, ["rm x"], ["ssh h rm x"]),
        ({"remote": ".prod.example"}, ["ssh u@a.prod.example rm"], ["ssh b.example rm", "rm"]),
        ({"redirect": "/dev/sd*"}, ["rm > /dev/sda"], ["rm > x", "rm < /dev/sda"]),
        ({"reads": "~/.ssh/**"}, ["rm ~/.ssh/x", "rm < ~/.ssh/x", "rm -d @$HOME/.ssh/x"], ["rm x"]),
        ({"paths": "/etc/x"}, ["rm if=/etc/x", "rm --a=/etc/x", "rm file:///etc/x"], ["rm x"]),
        ({"paths": {"all": "a/**"}}, ["rm a/x a/y"], ["rm a/x b", "rm"]),
        ({"paths": {"none": "a/**"}}, ["rm b", "rm"], ["rm a/x"]),
        ({"text": "re:-c .*os"}, ["rm -c 'import os'", "rm <<< '-c os'"], ["rm os -c"]),
        ({"text": "re:evil"}, ["rm <<E\nevil\nE"], ["rm good"]),
        ({"branch": "agent/*"}, ["rm"], []),
        ({"when": {"level": "strict"}}, [], ["rm"]),
    ],
)
def test_keys(keys: dict[str, object], denied: list[str], passed: list[str]) -> None:
    policy = rule_of(program="rm", **keys)
    found = [outcome(policy, line) for line in denied + passed]
    assert found == ["deny"] * len(denied) + ["pass"] * len(passed)


def test_tools() -> None:
    policy = rule_of(on="tool", tool="Write|mcp__*", arguments={"file_path": "$home/.ssh/**"})
    context = replace(USUAL, cwd="/home/user")
    call = ToolCall("Write", {"file_path": ".ssh/id_rsa"})
    assert policy.judge((call,), context).decision is Decision.DENY
    other = ToolCall("Write", {"file_path": "src/x"})
    assert policy.judge((other,), context).decision is Decision.ALLOW
    assert policy.judge((other,), replace(context, level=Level.STRICT)).decision is Decision.ASK
    assert policy.judge((ToolCall("Read", call.arguments),), context).decision is Decision.ALLOW


def test_a_lock_of_another_agent() -> None:
    policy = policy_of(
        {"id": "a", "on": "write", "while": {"locked_by_other": True}, "decide": "ask"},
        {"id": "b", "program": "make", "while": {"locked_by_other": True}, "decide": "ask"},
    )
    locks = {f"{USUAL.tree}/a": "bob"}
    assert judge(policy, "echo > a", locks=locks).decision is Decision.ASK
    assert judge(policy, "make a", locks=locks).decision is Decision.ASK
    assert judge(policy, "echo > b; make", locks=locks).decision is Decision.ALLOW
    assert judge(policy, "echo > a").decision is Decision.ALLOW


def test_a_conflict_with_another_agent() -> None:
    policy = policy_of(
        {"id": "a", "on": "write", "while": {"conflicts_with_other": True}, "decide": "ask"},
        {"id": "b", "program": "make", "while": {"conflicts_with_other": True}, "decide": "ask"},
    )
    conflicts = frozenset(("src/a",))
    assert judge(policy, "echo > src/a", conflicts=conflicts).decision is Decision.ASK
    assert judge(policy, "cd src; echo > a", conflicts=conflicts).decision is Decision.ASK
    assert judge(policy, "make", conflicts=conflicts).decision is Decision.ASK
    assert judge(policy, "echo > b; echo > other/src/a", conflicts=conflicts).decision is (
        Decision.ALLOW
    )
    assert judge(policy, "echo > src/a; make").decision is Decision.ALLOW


def test_a_surprise_can_have_its_own_rule() -> None:
    policy = rule_of(when={"surprise": True}, decide="ask")
    (action,) = actions("make")
    assert isinstance(action, Exec)
    assert policy.judge((action,), USUAL).decision is Decision.ALLOW
    surprise = action._replace(surprise=True)
    assert policy.judge((surprise,), USUAL).decision is Decision.ASK


def test_an_exec_judged_alone_carries_its_rewrite() -> None:
    verdict = PNPM.judge((actions("npm i 'a b'")[0],), USUAL)
    assert (verdict.decision, verdict.rewritten) == (Decision.REWRITE, "pnpm add 'a b'")


def test_a_write_seen_by_the_keeper_needs_no_command() -> None:
    policy = policy_of(
        {"id": "a", "on": ["write", "tool"], "path": "/etc/**", "tool": "x", "decide": "deny"}
    )
    write = Write(Word(("/etc/passwd",), "/etc/passwd"), "overwrite")
    assert policy.judge((write,), USUAL).decision is Decision.DENY
    by_program = rule_of(on="write", program="sed")
    assert by_program.judge((write,), USUAL).decision is Decision.ALLOW


def test_names_are_put_into_reasons() -> None:
    policy = rule_of(program="x", reason="not on $branch", hint="ask ${agent}")
    match = judge(policy, "x").matches[0]
    assert (match.reason, match.hint) == ("not on agent/alice", "ask alice")
    match = judge(policy, "x", agent="", branch="").matches[0]
    assert (match.reason, match.hint) == ("not on BRANCH", "ask AGENT")


def test_no_rules_no_opinion() -> None:
    assert Policy(()).judge(actions("rm -rf /"), USUAL).decision is Decision.ALLOW
