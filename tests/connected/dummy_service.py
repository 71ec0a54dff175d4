"""Stands for a service where the stack itself is tested: healthy on its port, or dying with a word (DUMMY_DIES)."""

import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Healthy(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = os.environ["SUDA_KAFKA"].encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


if __name__ == "__main__":
    if os.environ.get("DUMMY_DIES"):
        sys.exit("the dummy was told to die")
    port = int(os.environ[f"SUDA_{sys.argv[1].upper()}_PORT"])
    ThreadingHTTPServer(("127.0.0.1", port), Healthy).serve_forever()
