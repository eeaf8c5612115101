"""Bash lines as agents send them, each one new: the readers and the rules can remember nothing."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

# {n} makes a line unlike any before it.
_SHAPES = (
    "ls -la src/part-{n}",
    "cd packages/p{n} && npm run build 2>&1 | tail -20",
    "git status --short -- lib/m{n}",
    "git add -A && git commit -m 'Mend case {n}'",
    "grep -rn 'handler_{n}' --include='*.py' . | head -50",
    "python3 -m pytest tests/test_{n}.py -x -q",
    "sed -n '{n},+40p' src/main.c",
    'for f in a{n} b{n}; do echo "$f"; wc -l < "$f"; done',
    "find . -name '*{n}*.ts' -not -path './node_modules/*' -exec grep -l foo {{}} +",
    "cat > notes-{n}.md <<'EOF'\n# Part {n}\n\nSome words.\nEOF",
    "npm install --save-dev vite@{n}",
    "test -f out/{n}.json && jq '.items[{n}]' out/{n}.json || echo none",
    "export BUILD={n}; make -j2 target-{n} V=1",
    "diff <(sort a-{n}.txt) <(sort b-{n}.txt)",
    "timeout 60 bash -c 'node server-{n}.js & sleep 1; curl -s localhost:{n}/'",
    "rg -n 'case\\({n}\\)' --type rust | awk -F: '{{print $1}}' | sort -u",
)


def new_lines() -> Iterator[str]:
    """Lines without end, no two alike."""
    for number in count(1000):
        yield _SHAPES[number % len(_SHAPES)].format(n=number)
