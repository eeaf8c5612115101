from __future__ import annotations

import pytest
from rules import actions, outcome, rule_of

from cash.policy.action import Write

T = "/home/user/project"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("echo x > a", [("overwrite", f"{T}/a")]),
        ("echo x >> /etc/a", [("append", "/etc/a")]),
        ("echo x &> a", [("overwrite", f"{T}/a")]),
        ("echo x 2>&1 >&- </dev/null", []),
        ("> ~/a", [("overwrite", "/home/user/a")]),
        ("cd x && echo > a", [("overwrite", f"{T}/x/a")]),
        ("echo > $X", [("overwrite", "$X")]),
        ("rm -rf a b", [("delete", f"{T}/a"), ("delete", f"{T}/b")]),
        ("rm -- -a", [("delete", f"{T}/-a")]),
        ("tee -a a b", [("append", f"{T}/a"), ("append", f"{T}/b")]),
        ("cp a b", [("overwrite", f"{T}/b"), ("overwrite", f"{T}/b/a")]),
        ("cp -t d x/a", [("overwrite", f"{T}/d"), ("overwrite", f"{T}/d/a")]),
        ("mv a b", [("rename", f"{T}/a"), ("overwrite", f"{T}/b"), ("overwrite", f"{T}/b/a")]),
        ("ln -s /etc/x", [("create", f"{T}/x")]),
        ("touch a", [("create", f"{T}/a")]),
        ("mkdir -p -m 700 a", [("create", f"{T}/a")]),
        ("install -d a", [("create", f"{T}/a")]),
        ("truncate -s 0 a", [("overwrite", f"{T}/a")]),
        ("chmod -R 777 a", [("metadata", f"{T}/a")]),
        ("chown --reference=b a", [("metadata", f"{T}/a")]),
        ("dd if=/dev/zero of=/dev/sda bs=1M", [("overwrite", "/dev/sda")]),
        ("sed -i s/a/b/ f", [("overwrite", f"{T}/f")]),
        ("sed -i.bak -e s/a/b/ f", [("overwrite", f"{T}/f")]),
        ("sed --in-place s/a/b/ f", [("overwrite", f"{T}/f")]),
        ("sed s/a/b/ f", []),
        ("shred -u a", [("delete", f"{T}/a")]),
        ("find a -delete", [("delete", f"{T}/a")]),
        ("find a -name '*.x'", []),
        ("tar -xf a.tar -C d", [("create", f"{T}/d")]),
        ("tar cf a.tar d", []),
        ("tar -c -f a.tar d", [("overwrite", f"{T}/a.tar")]),
        ("curl -o a https://x.example/b", [("overwrite", f"{T}/a")]),
        ("curl -O https://x.example/b?c", [("overwrite", f"{T}/b")]),
        ("wget https://x.example/b", [("overwrite", f"{T}/b")]),
        ("wget -O - https://x.example/b", []),
        ("rsync a h:b", []),
        ("ssh h rm -rf a", []),
        ("sudo rm a", [("delete", f"{T}/a")]),
        ("coreutils --coreutils-prog=rm a", [("delete", f"{T}/a")]),
        ("cat a", []),
    ],
)
def test_writes(line: str, expected: list[tuple[str, str]]) -> None:
    found = [(one.kind, one.path.text) for one in actions(line) if isinstance(one, Write)]
    assert found == expected


def test_rules_of_writes() -> None:
    policy = rule_of(on="write", path=".env", kind=["overwrite", "delete"])
    expected = {
        "echo A > .env": "deny",
        "cd sub; cp x .env": "deny",
        "cp .env backup/": "deny",
        "E=.env; rm $E": "deny",
        "echo A >> .env": "pass",
        "cat .env": "pass",
        "rm .e*": "deny",
        "rm *": "pass",
        "rm ./*": "pass",
        "rm ?env": "pass",
        "rm [.]env": "pass",
        "rm $X": "pass",
    }
    assert {line: outcome(policy, line) for line in expected} == expected


def test_a_write_knows_its_program() -> None:
    policy = rule_of(on="write", path="*.lock", program="sed|tee")
    assert outcome(policy, "sed -i 1d a.lock") == "deny"
    assert outcome(policy, "touch a.lock") == "pass"
