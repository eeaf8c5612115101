"""The frames of agent CLIs: the line inside is read, the frame's own parts are not."""

from __future__ import annotations

import pytest

from cash.syntax.line import LineReader


def quoted(line: str) -> str:
    return "'" + line.replace("'", "'\"'\"'") + "'"


def claude(line: str, *, more: str = "") -> str:
    return (
        "source /home/u/.claude/shell-snapshots/snapshot-bash-1790452891926-09cuz2.sh"
        " 2>/dev/null || true && shopt -u extglob 2>/dev/null || true && "
        f"{more}eval {quoted(line)} < /dev/null && pwd -P >| /tmp/claude-e51c-cwd"
    )


UNSET = (
    "{ \\builtin unalias -- 'unsetenv'; \\builtin unset -f -- 'unsetenv'; } >/dev/null 2>&1"
    " || true && "
)


def codex(line: str) -> str:
    return (
        '__CODEX_SNAPSHOT_OVERRIDE_SET_0="${CODEX_THREAD_ID+x}"\n'
        '__CODEX_SNAPSHOT_OVERRIDE_0="${CODEX_THREAD_ID-}"\n'
        '__CODEX_SNAPSHOT_PROXY_ENV_SET="${CODEX_PROXY_ACTIVE+x}"\n\n'
        "if . '/home/u/.codex/shell_snapshots/01-a.sh' >/dev/null 2>&1; then :; fi\n\n"
        'if [ -n "${__CODEX_SNAPSHOT_OVERRIDE_SET_0}" ]; then export CODEX_THREAD_ID='
        '"${__CODEX_SNAPSHOT_OVERRIDE_0}"; else unset CODEX_THREAD_ID; fi\n'
        'if [ -n "$__CODEX_SNAPSHOT_PROXY_ENV_SET" ] || [ -n "${CODEX_PROXY_ACTIVE+x}" ]; then\n'
        'if [ -n "${__CODEX_SNAPSHOT_OVERRIDE_SET_0}" ]; then export ws_proxy='
        '"${__CODEX_SNAPSHOT_OVERRIDE_0}"; else unset ws_proxy; fi\n'
        "fi\n\n"
        f"exec '/bin/bash' -c {quoted(line)}"
    )


def gemini(line: str) -> str:
    return (
        "shopt -u promptvars nullglob extglob nocaseglob dotglob; "
        "_bgpids_file=/tmp/gemini-shell-DJy1jL/bgpids.tmp\n(\n"
        f"  trap 'jobs -p > \"$_bgpids_file\"' EXIT\n{line}\n)\n__code=$?\nexit $__code"
    )


LINES = [
    "git status && npm test",
    "echo 'it''s' \"$x\"; rm 'a b'",
    "cat <<'EOF' > f\nit's $(x)\nEOF\nls",
    "ls # comment",
    "sudo rm x | tee log",
]


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize(
    ("name", "frame"),
    [
        ("claude", claude),
        ("claude", lambda line: claude(line, more=UNSET)),
        ("codex", codex),
        ("gemini", gemini),
    ],
)
def test_the_line_in_a_frame_is_read_as_if_alone(
    line: str, name: str, frame: object, deciding: LineReader
) -> None:
    assert callable(frame)
    text = frame(line)
    framed, alone = deciding.read(text), deciding.read(line)
    assert (framed.frame, framed.entry, framed.trouble) == (name, line, None)
    assert [each.argv for each in framed.commands] != []
    said = [[word.text for word in each.argv] for each in framed.commands]
    assert said == [[word.text for word in each.argv] for each in alone.commands]
    data = text.encode()
    for each in framed.commands:
        for word in each.argv:
            if word.span is not None:
                assert data[slice(*word.span)].decode() == word.source


@pytest.mark.parametrize("frame", [claude, codex, gemini])
def test_bash_agrees_that_a_frame_is_valid(frame: object, tmp_path: object) -> None:
    import subprocess

    assert callable(frame)
    subprocess.run(["bash", "-n", "-c", frame("ls -l")], check=True)


def test_a_frame_in_split_words(deciding: LineReader) -> None:
    line = deciding.read_argv(["/bin/bash", "-c", claude("rm x")])
    assert (line.frame, line.entry) == ("claude", "rm x")
    assert [each.name for each in line.commands] == ["/bin/bash", "rm"]


@pytest.mark.parametrize(
    "text",
    [
        claude("ls").replace("true &&", "curl x | sh &&", 1),
        claude("ls") + "; rm x",
        claude("ls").replace("/home/u/.claude/shell-snapshots/", "/tmp/"),
        claude("ls").replace(">| /tmp/claude-e51c-cwd", ">| /etc/passwd"),
        claude("ls").replace("< /dev/null", "< /dev/sda"),
        claude("ls").replace("< /dev/null", "> /dev/sda"),
        claude("ls").replace("eval", "X=1 eval"),
        claude("ls").replace("'ls'", '"$x"'),
        claude("ls").replace("shopt -u extglob", "shopt -u extglob $(rm x)"),
        codex("ls").replace("then :;", "then rm x;"),
        codex("ls").replace("${CODEX_THREAD_ID-}", "${CODEX_THREAD_ID-$(rm x)}"),
        codex("ls").replace("exec '/bin/bash'", "exec '/tmp/bash2'"),
        codex("ls").replace("/shell_snapshots/", "/x/"),
        codex("ls") + "\nrm x",
        codex("ls").replace("unset CODEX_THREAD_ID", "rm x"),
        gemini("ls").replace("exit $__code", "exit $__code; rm x"),
        gemini("ls").replace("jobs -p >", "rm x >"),
        gemini("ls").replace("/tmp/gemini-shell-DJy1jL/", "$(rm x)/gemini-shell-a/"),
    ],
)
def test_what_is_not_quite_a_frame_is_read_whole(text: str, deciding: LineReader) -> None:
    line = deciding.read(text)
    assert line.frame is None
    assert line.entry == text


def test_a_line_that_breaks_out_of_its_frame_is_trouble(deciding: LineReader) -> None:
    assert deciding.read(gemini("ls\n)\nrm x\n(\ntrue")).trouble is not None
    assert deciding.read(gemini("cat <<EOF\n)")).trouble is not None
