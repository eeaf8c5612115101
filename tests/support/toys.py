"""A provider that is a shell script: it logs in, shows what it knows, and renews its token."""

from __future__ import annotations

from installation import Installation

_MANIFEST = """\
name: toy
description: Toy Agent
programs: [toy]
install: make toy
version: {least: 1.0}
capabilities:
  resume: {help: --resume, note: a conversation cannot be taken up}
starts: {interactive: [], headless: {words: [show], input: true}}
tool_timeout: 120
memory: 1G
hosts: []
account:
  login: [login]
  login_input: true
  logout: [logout]
  files: [.toy/auth.json]
  same: [account]
  key: TOY_KEY
"""
_PROGRAM = r"""#!/bin/bash
case $1 in
--version) echo "toy 1.2.3";;
--help) echo "toy [--resume ID]";;
login)
  [ -f refuse ] && exit 3
  read -r answer; mkdir -p ~/.toy
  echo "{\"account\": \"ada\", \"token\": \"$answer\"}" >~/.toy/auth.json;;
logout) cp ~/.toy/auth.json "${0%/*}/told";;
show) cat ~/.toy/auth.json;;
later) touch ~/began; sleep "$2"; exec "$0" renew "$3";;
renew)
  sed "s/\"token\": \"[^\"]*\"/\"token\": \"$2\"/; s/ada/${3:-ada}/" ~/.toy/auth.json >~/.toy/new
  mv ~/.toy/new ~/.toy/auth.json;;
key) echo "own=[$TOY_KEY]"; env | grep TOY_KEY; bash -c 'env | grep TOY_KEY'; env "$0" again;;
again) echo "again=[$TOY_KEY]";;
esac
"""


def give_toy(installation: Installation) -> dict[str, str]:
    """Installs the toy, and its manifest in the user's configuration; the environment of whoever
    has it on PATH."""
    own = installation.home / ".config/polis/agents"
    own.mkdir(parents=True)
    (own / "toy.yaml").write_text(_MANIFEST)
    folder = installation.folder / "toybox"
    folder.mkdir()
    (folder / "toy").write_text(_PROGRAM)
    (folder / "toy").chmod(0o755)
    return {"PATH": f"{folder}:{installation.environment['PATH']}"}
