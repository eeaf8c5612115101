"""Every line of the corpora beside the checkout; elsewhere a few of the kind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cash.syntax.command import Line
from cash.syntax.line import LineReader

_FOLDER = Path(__file__).parents[2].parent / "shared/corpora"
_SAMPLE = (
    "git status",
    "npm test 2>&1 | tail -20",
    "cd src && grep -rn 'foo bar' --include='*.py' .",
    "cat > a.py <<'EOF'\nprint('x')\nEOF\npython a.py",
    'for f in *.txt; do mv "$f" x/; done',
    "find . -name '*.o' -exec rm {} +",
    "echo $(date +%s) `hostname`",
    "docker run --rm -it x bash",
    "sed -n '1,20p' f | head",
    'x=$(cat <<EOF\na\nEOF\n); echo "$x"',
    "ls -la ~/x*/[ab]?",
    "[ -f x ] && [[ $a == b* ]] || exit 1",
    "((i++)); echo $((i*2))",
    "while read l; do echo $l; done < f",
)


def _lines(name: str) -> list[str]:
    path = _FOLDER / f"{name}.jsonl"
    if not path.exists():
        return list(_SAMPLE)
    rows = [json.loads(row) for row in path.read_text().splitlines()]
    return list(dict.fromkeys(row["command"] for row in rows))


# The most lines, in a thousand, that may be trouble although somebody wrote them for an agent.
# parable's are a grammar's own tests: the strangest bash there is.
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("name", "trouble", "disagree"),
    [("dippy", 2, 1), ("dcg", 2, 1), ("csn", 60, 3), ("parable", 45, 10)],
)
def test_no_line_raises_and_few_are_trouble(
    name: str, trouble: int, disagree: int, deciding: LineReader
) -> None:
    lines = _lines(name)
    read: list[Line] = []
    for line in lines:
        read.append(deciding.read(line))
        deciding.prepare()
    troubled = [line for line in read if line.trouble]
    assert len(troubled) * 1000 <= trouble * len(lines)
    apart = [line for line in troubled if line.trouble == "the readers disagree"]
    assert len(apart) * 1000 <= disagree * len(lines)


@pytest.mark.parametrize("name", ["dippy", "dcg", "csn", "parable"])
def test_tree_sitter_alone_sees_the_same_commands(name: str, deciding: LineReader) -> None:
    """On a part: where both readers agree, one alone says no less."""
    for line in _lines(name)[::10]:
        both = deciding.read(line)
        deciding.prepare()
        if both.trouble is None:
            alone = deciding.read(line, entry=False)
            assert [each.argv for each in alone.commands] == [each.argv for each in both.commands]
