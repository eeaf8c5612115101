"""A forge on loopback: pull requests over a real bare repository, by GitHub's REST interface, and
as much of its GraphQL one as gh uses. It is an HTTP proxy as well: gh speaks plain HTTP to
github.localhost alone, and there through one."""

from __future__ import annotations

import json
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "test-token-of-ada"  # of this server alone
_PULLS = "/repos/ada/shop/pulls"


@dataclass
class Forge:
    """pulls: what was opened. bare: the repository behind it. trouble: an answer for every
    request, (status, content), in place of the right one. heard: method and path of each."""

    bare: Path
    host: str
    port: int = 0
    pulls: list[dict[str, Any]] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)
    trouble: tuple[int, bytes] | None = None

    @property
    def api(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def has(self, branch: str) -> bool:
        asked = ["git", "-c", "safe.directory=*", f"--git-dir={self.bare}", "rev-parse", "-q"]
        ref = f"refs/heads/{branch}"
        ended = subprocess.run([*asked, "--verify", ref], capture_output=True, check=False)
        return ended.returncode == 0

    def open(self, wanted: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        head, base = wanted["head"].rpartition(":")[2], wanted["base"]
        if not self.has(head) or not self.has(base):
            missing = "head" if not self.has(head) else "base"
            return 422, {"message": "Validation Failed", "errors": [{"field": missing}]}
        if self.find(head, base):
            return 422, {"errors": [{"message": "A pull request already exists"}]}
        number = len(self.pulls) + 1
        url = f"https://{self.host}/ada/shop/pull/{number}"
        made = {**wanted, "head": head, "number": number, "html_url": url}
        self.pulls.append(made)
        return 201, made

    def find(self, head: str, base: str | None) -> list[dict[str, Any]]:
        name = head.rpartition(":")[2]
        return [one for one in self.pulls if one["head"] == name and base in (None, one["base"])]

    def graphql(self, query: str, values: dict[str, Any]) -> dict[str, Any]:
        """What gh asks to make a pull request and to find one."""
        if "createPullRequest" in query:
            asked = values["input"]
            wanted = {
                "title": asked["title"],
                "body": asked["body"],
                "head": asked["headRefName"],
                "base": asked["baseRefName"],
                "draft": asked["draft"],
            }
            status, made = self.open(wanted)
            if status != 201:
                return {"errors": [{"message": json.dumps(made["errors"])}]}
            return {
                "data": {
                    "createPullRequest": {"pullRequest": {"id": "P1", "url": made["html_url"]}}
                }
            }
        if "pullRequests(" in query:
            found = self.find(values.get("headBranch") or "", values.get("baseBranch"))
            nodes = [{"url": one["html_url"]} for one in found]
            pages = {"hasNextPage": False, "endCursor": ""}
            listed = {"totalCount": len(nodes), "nodes": nodes, "pageInfo": pages}
            return {"data": {"repository": {"pullRequests": listed}}}
        if "viewer" in query and "repository" not in query:
            return {"data": {"viewer": {"login": "ada"}}}
        repository = {
            "id": "R1",
            "name": "shop",
            "owner": {"login": "ada"},
            "hasIssuesEnabled": True,
            "description": "",
            "hasWikiEnabled": True,
            "viewerPermission": "ADMIN",
            "defaultBranchRef": {"name": "main"},
            "parent": None,
            "mergeCommitAllowed": True,
            "rebaseMergeAllowed": True,
            "squashMergeAllowed": True,
        }
        found = dict.fromkeys(re.findall(r"(repo_\d+):", query), repository)
        return {"data": {"repository": repository, "viewer": {"login": "ada"}, **found}}


def _handler(forge: Forge) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _answer(self, status: int, value: object) -> None:
            content = value if isinstance(value, bytes) else json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.send_header("X-OAuth-Scopes", "repo, read:org")
            if 300 <= status < 400:
                self.send_header("Location", f"{forge.api}/elsewhere")
            self.end_headers()
            self.wfile.write(content)

        def _serve(self) -> None:
            place = urlsplit(self.path)
            forge.heard.append(f"{self.command} {place.path}")
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length) or b"{}")
            if forge.trouble is not None:
                self._answer(*forge.trouble)
            elif TOKEN not in self.headers.get("Authorization", ""):
                self._answer(401, {"message": "Bad credentials"})
            elif place.path == "/graphql":
                self._answer(200, forge.graphql(body["query"], body.get("variables") or {}))
            elif place.path == _PULLS and self.command == "GET":
                asked = {key: value[0] for key, value in parse_qs(place.query).items()}
                self._answer(200, forge.find(asked["head"], asked["base"]))
            elif place.path == _PULLS:
                self._answer(*forge.open(body))
            elif place.path in ("/", ""):
                self._answer(200, {})
            else:
                self._answer(404, {"message": "Not Found"})

        do_GET = do_POST = _serve

        def log_message(self, *_words: object) -> None:
            """Nothing."""

    return Handler


@contextmanager
def serve_forge(bare: Path, host: str) -> Iterator[Forge]:
    """A forge that runs as long as the block does."""
    forge = Forge(bare, host)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(forge))
    forge.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield forge
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
