"""The kept history: redacted, owner's alone, robust."""

from __future__ import annotations

from pathlib import Path

from cash.shell.history import RedactedHistory

SECRET = "ghp_" + "a8Jk2LmN9pQrS4tUvWxYz0123456789AbCdE"


def test_lines_come_back_newest_first_without_secrets(tmp_path: Path) -> None:
    path = tmp_path / "history"
    history = RedactedHistory(path)
    for line in ("ls", "cat <<X\na\nX", f"curl -H 'Authorization: Bearer {SECRET}' x", " secret"):
        history.append_string(line)
    assert SECRET not in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    again = list(RedactedHistory(path).load_history_strings())
    assert again[1:] == ["cat <<X\na\nX", "ls"]
    assert "curl" in again[0]
    assert SECRET not in again[0]
    # Within the session the line is as typed: the person may want to run it again.
    assert SECRET in history.get_strings()[-1]


def test_a_damaged_file_gives_what_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "history"
    path.write_bytes(b'"one"\n{"not": "a line"}\n"hal\n\xff\xfe\n"two"\n')
    assert list(RedactedHistory(path).load_history_strings()) == ["two", "one"]
    assert list(RedactedHistory(tmp_path / "none").load_history_strings()) == []
    RedactedHistory(tmp_path / "no/folder").append_string("costs the entry, not the command")
