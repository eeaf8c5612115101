"""The frames of agent CLIs: the line inside is read, the frame's own parts are not."""

from __future__ import annotations

import timeit

import pytest
from frames import OWN, PROXY, UNSET, claude, codex, early_codex, gemini, put_back, saved

from cash.syntax.line import LineReader

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
        ("codex", early_codex),
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
    if name == "codex":  # starts another shell, which is judged as well
        assert said.pop(0) == ["/bin/bash", "-c", line]
    assert said == [[word.text for word in each.argv] for each in alone.commands]
    data = text.encode()
    for each in framed.commands:
        for word in each.argv:
            if word.span is not None:
                assert data[slice(*word.span)].decode() == word.source


@pytest.mark.parametrize("frame", [claude, codex, early_codex, gemini])
def test_bash_agrees_that_a_frame_is_valid(frame: object, tmp_path: object) -> None:
    import subprocess

    assert callable(frame)
    subprocess.run(["bash", "-n", "-c", frame("ls -l")], check=True)


def test_a_frame_in_split_words(deciding: LineReader) -> None:
    line = deciding.read_argv(["/bin/bash", "-c", claude("rm x")])
    assert (line.frame, line.entry) == ("claude", "rm x")
    assert [each.name for each in line.commands] == ["/bin/bash", "rm"]


# Each would run, name or set something of its own in Codex's frame.
CODEX_CHANGES = [
    ("then :;", "then rm x;"),
    ("${CODEX_THREAD_ID-}", "${CODEX_THREAD_ID-$(rm x)}"),
    ("${CODEX_THREAD_ID-}", "${CODEX_THREAD_ID:=`rm x`}"),
    ("${CODEX_THREAD_ID-}", "${CODEX_THREAD_ID@P}"),
    ('${CODEX_THREAD_ID-}"', '${CODEX_THREAD_ID-}" rm x'),
    ('"${CODEX_THREAD_ID-}"\n', '"${LD_PRELOAD-}"\n'),
    ("export CODEX_V", "export LD_PRELOAD"),
    ('="${__CODEX_SNAPSHOT_OVERRIDE_1}"', '="${__CODEX_SNAPSHOT_OVERRIDE_0}"'),
    ('="${__CODEX_SNAPSHOT_OVERRIDE_1}"', '="$(rm x)"'),
    ("|| command unset CODEX_V", "|| rm x"),
    ("builtin unset CODEX_V", "rm x"),
    ("2>/dev/null", "2>/etc/passwd"),
    ("exec '/bin/bash'", "exec '/tmp/bash2'"),
    ("exec '/bin/bash'", "exec 'bash'"),
    ("exec '/bin/bash' -c", "exec '/bin/bash' --rcfile"),
    ("/shell_snapshots/", "/x/"),
    ("01-a.17.sh'", "01-a.17.sh' $(rm x)"),
    (">/dev/null", "> x"),
    ("$__CODEX_SNAPSHOT_PROXY_ENV_SET", "$(rm x)"),
    ('${CODEX_PROXY_ACTIVE+x}" ]', '$(rm x)" ]'),
    (':"$PATH"', ':"$(rm x)"'),
    ("/codex-path':", "/x':"),
    ("export PATH='/n/", "export PATH='/n/'$(rm x)'"),
    ("fi\nif [", "fi\nrm x\nif ["),
    ("fi\n\nexec", "fi\nrm x\nexec"),
    ("exec", "X=1 exec"),
    ("\nfi\n", "\n"),
]


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
        *[codex("ls").replace(*change) for change in CODEX_CHANGES],
        early_codex("ls").replace("unset CODEX_THREAD_ID", "rm x"),
        early_codex("ls").replace("export CODEX_THREAD_ID", "export LD_PRELOAD"),
        codex("ls") + "\nrm x",
        codex("ls") + "; rm x",
        codex("ls") + " $(rm x)",
        "rm x\n" + codex("ls"),
        saved(*PROXY[0]) + codex("ls"),
        saved("Z{}", "A").replace("A+x", "__CODEX_SNAPSHOT_OVERRIDE_0+x") + codex("ls"),
        gemini("ls").replace("exit $__code", "exit $__code; rm x"),
        gemini("ls").replace("jobs -p >", "rm x >"),
        gemini("ls").replace("/tmp/gemini-shell-DJy1jL/", "$(rm x)/gemini-shell-a/"),
    ],
)
def test_what_is_not_quite_a_frame_is_read_whole(text: str, deciding: LineReader) -> None:
    line = deciding.read(text)
    assert line.frame is None
    assert line.entry == text


def test_every_change_of_the_frame_is_one() -> None:
    assert [one for one in CODEX_CHANGES if one[0] not in codex("ls")] == []


def test_what_codex_starts_is_found_in_split_words_too(deciding: LineReader) -> None:
    line = deciding.read_argv(["/bin/bash", "-c", codex("sudo rm 'a b' | x")])
    assert (line.frame, line.entry, line.trouble) == ("codex", "sudo rm 'a b' | x", None)
    said = [(each.name, each.within) for each in line.commands]
    assert said == [("/bin/bash", None), ("/bin/bash", None), ("sudo", 0), ("x", 0), ("rm", 2)]


def test_a_frame_of_many_variables_is_read_quickly(deciding: LineReader) -> None:
    """Read as bash it took 150 ms."""
    many = [(f"OVERRIDE{{}}_{at}", f"V{at}") for at in range(2, 60)]
    text = codex("ls").replace(saved(*OWN[1]), "".join(saved(*one) for one in (OWN[1], *many)))
    text = text.replace(put_back(*OWN[1]), "".join(put_back(*one) for one in (OWN[1], *many)))
    assert len(text) > 30_000
    quickest = min(timeit.repeat(lambda: deciding.read(text, entry=False), number=1, repeat=5))
    assert deciding.read(text).frame == "codex"
    assert quickest < 0.02


def test_a_long_line_in_a_long_frame_is_read(deciding: LineReader) -> None:
    many = "".join(saved(f"MORE{{}}_{at}", f"V{at}") for at in range(400))
    line = f"cat <<'E'\n{'x' * 50_000}\nE"
    assert deciding.read(many + codex(line)).entry == line
    assert deciding.read_argv(["bash", "-c", many + codex(line)]).trouble is None
    assert deciding.read(codex(line + line)).trouble == "longer than 64 kB"


def test_a_line_that_breaks_out_of_its_frame_is_trouble(deciding: LineReader) -> None:
    assert deciding.read(gemini("ls\n)\nrm x\n(\ntrue")).trouble is not None
    assert deciding.read(gemini("cat <<EOF\n)")).trouble is not None
