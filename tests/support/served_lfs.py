"""A server of Git LFS on loopback: the batch API and the basic transfer, for whoever knows the
password."""

from __future__ import annotations

import base64
import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from served import PASSWORD, USER

_JSON = "application/vnd.git-lfs+json"


class LfsServer(ThreadingHTTPServer):
    """objects: what it has, by their SHA-256."""

    objects: dict[str, bytes]

    @property
    def address(self) -> str:
        return f"{self.place}/lfs"

    @property
    def place(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@contextlib.contextmanager
def serve_lfs() -> Iterator[LfsServer]:
    server = LfsServer(("127.0.0.1", 0), _Handler)
    server.objects = {}
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: LfsServer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self._is_let_in() and self.path.endswith("/objects/batch"):
            asked = json.loads(body)
            objects = [self._action(asked["operation"], one) for one in asked["objects"]]
            self._answer(200, json.dumps({"transfer": "basic", "objects": objects}).encode())
        elif self._is_let_in():
            self._answer(404, b"{}")

    def do_GET(self) -> None:
        if self._is_let_in():
            self._answer(200, self.server.objects[self.path.rpartition("/")[2]])

    def do_PUT(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        if self._is_let_in():
            self.server.objects[self.path.rpartition("/")[2]] = content
            self._answer(200, b"")

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""

    def _action(self, operation: str, one: dict[str, object]) -> dict[str, object]:
        has = one["oid"] in self.server.objects
        if has != (operation == "download"):
            missing = {"error": {"code": 404, "message": "not there"}}
            return one | (missing if operation == "download" else {})
        link = {"href": f"{self.server.address}/{one['oid']}"}
        return one | {"actions": {operation: link}}

    def _is_let_in(self) -> bool:
        known = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if self.headers.get("Authorization") == f"Basic {known}":
            return True
        self._answer(401, b"{}", {"WWW-Authenticate": 'Basic realm="lfs"'})
        return False

    def _answer(self, status: int, body: bytes, more: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {**(more or {}), "Content-Type": _JSON}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
