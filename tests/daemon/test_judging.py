"""polisd reads no bash in its own process: what agents and policies write is read elsewhere."""

from __future__ import annotations

from pathlib import Path

from desk import Desk


def maps_of(pid: int) -> str:
    """The files a process has in its memory."""
    return Path(f"/proc/{pid}/maps").read_text()


def polisd_and_parser(desk: Desk) -> tuple[int, int]:
    (polisd,) = desk.pids("-m cash.daemon")
    (parser,) = [
        child
        for child in desk.children(polisd)
        if b"cash.syntax.parser" in Path(f"/proc/{child}/cmdline").read_bytes()
    ]
    return polisd, parser


LINES = (
    "git -c alias.x='!echo \"$(rm -rf ~)\"' x",
    "git config alias.p push; git p -f origin main",
    'bash -c "git -c alias.x=\'!git -c alias.y=\\"!true\\" y\' x"',
    "GIT_CONFIG_KEY_0=alias.x GIT_CONFIG_VALUE_0='!case' git x",
    "npm install left-pad && git -c alias.x='!npx y' x",
)


def test_polisd_itself_never_loads_a_reader(desk: Desk) -> None:
    for line in LINES:
        assert desk.polis("policy", "explain", "--agent", "alice", line).status == 0
    polisd, parser = polisd_and_parser(desk)
    assert "tree_sitter" not in maps_of(polisd)
    assert "tree_sitter" in maps_of(parser)  # so that is what a reader looks like


def test_a_script_of_an_alias_is_judged(desk: Desk) -> None:
    ran = desk.line("echo one > one; git -c alias.x='!rm -rf ~' x")
    assert ran.status == 126
    assert not (desk.tree / "one").exists()
    (event,) = desk.log("line")
    assert ["rm", "-rf", "~"] in event["body"]["commands"]


def test_a_policy_whose_examples_nobody_can_read_is_not_taken(desk: Desk) -> None:
    folder = desk.repository / ".polis"
    folder.mkdir()
    text = "((" * 10_000
    (folder / "policy.yaml").write_text(
        "version: 1\nrules:\n- id: deep\n  program: x\n  decide: ask\n  reason: r\n"
        f"  examples: {{ask: ['{text}']}}\n"
    )
    desk.polis("down")
    ran = desk.line("true")
    assert (ran.status, "policy.yaml:7:20: the example cannot be read" in ran.err) == (125, True)
    (folder / "policy.yaml").unlink()
    desk.polis("down")
    assert desk.line("true").status == 0
