"""A small server of files that knows ranges, as object stores and MLflow's own server do."""

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

from tests.support.http import serving

_NOT_THERE = b'<?xml version="1.0"?><Error><Code>NoSuchKey</Code><Message>not there</Message></Error>'


@dataclass
class Served:
    """Files by path; ``asked`` are the requests. ``given`` counts the bytes of files that were sent.

    ``above`` has, by path, the answers to requests that do not name the folder ``checkpoints``: they list its parent.
    """

    files: dict[str, bytes]
    knows_ranges: bool = True
    asked: list[BaseHTTPRequestHandler] = field(default_factory=list)
    given: int = 0
    above: dict[str, bytes] = field(default_factory=dict)


@contextmanager
def serving_parts(served: Served) -> Iterator[str]:
    """Serve the files; give the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.asked.append(self)
            path = self.path.partition("?")[0]
            files = served.files if "checkpoints" in self.path else served.files | served.above
            data = files.get(path)
            if data is None:
                self._answer(404, _NOT_THERE)
                return
            asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
            if asked is None or not served.knows_ranges:
                served.given += len(data)
                self._answer(200, data)
                return
            first, last = int(asked[1]), min(int(asked[2]), len(data) - 1)
            served.given += last - first + 1
            self._answer(206, data[first : last + 1], f"bytes {first}-{last}/{len(data)}")

        def _answer(self, status: int, body: bytes, given: str = "") -> None:
            self.send_response(status)
            if given:
                self.send_header("Content-Range", given)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with suppress(ConnectionError):  # who asked has seen enough
                self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    with serving(Handler) as address:
        yield address
