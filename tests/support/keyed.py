"""The model of model.py as a server alone, that also writes down the headers it was sent.

    python3 -I keyed.py AGENT PLAY RECORD HEADERS

Prints its URL. HEADERS gets a line of JSON for every request: its path and its headers. Who asks
for new tokens (/oauth/token) gets tokens.json, which lies beside PLAY. It runs until its standard
input ends.
"""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import model


def main() -> int:
    name, play, record, headers = sys.argv[1:]
    script = json.loads(Path(play).read_text())

    class Handler(model._Handler):
        def parse_request(self) -> bool:
            parsed = super().parse_request()
            with Path(headers).open("a") as file:
                said = {key.lower(): value for key, value in self.headers.items()}
                file.write(json.dumps({"path": self.path, "headers": said}) + "\n")
            return parsed

        def do_POST(self) -> None:
            if not self.path.endswith("/oauth/token"):
                super().do_POST()
                return
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self._send(Path(play).with_name("tokens.json").read_bytes(), "application/json")

    with model.Model(model.AGENTS[name], script, Path(record)) as server:
        server.RequestHandlerClass = Handler
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(server.url, flush=True)
        sys.stdin.read()
    return 0


if __name__ == "__main__":
    sys.exit(main())
