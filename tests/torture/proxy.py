"""A proxy before a server that passes requests on, and spoils answers as broken servers and networks do."""

import random
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TypeVar
from urllib.parse import urlsplit

Thing = TypeVar("Thing")

LATE_SECONDS = 1.5
STATUSES = (401, 403, 404, 408, 429, 500, 502, 503, 504)
OTHER_BODIES = (
    b"null",
    b"[]",
    b'"text"',
    b"{",
    b"",
    b"<html><body>Sign in</body></html>",
    b"\xff\xfe",
    b'{"runs": 5}',
)
KINDS = ("close", "cut", "status", "body", "short", "late")


@dataclass(frozen=True)
class Answered:
    """An answer of the server itself."""

    status: int
    body: bytes
    headers: Mapping[str, str]


@dataclass
class Spoiler:
    """Decides for each request what happens to its answer.

    ``share`` of the requests are spoiled, each in one of the ``kinds``; a request whose path has been spoiled ``most``
    times is passed on, so that a fault may pass.
    """

    chance: random.Random
    share: float
    kinds: tuple[str, ...] = KINDS
    most: int = 1_000
    spoiled: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def fault(self, path: str) -> str | None:
        """Return the kind of the fault of a request, None where its answer is passed on."""
        with self.lock:
            if self.chance.random() >= self.share or self.spoiled[path] >= self.most:
                return None
            self.spoiled[path] += 1
            return self.chance.choice(self.kinds)

    def pick(self, things: Sequence[Thing]) -> Thing:
        """Return one of several things."""
        with self.lock:
            return self.chance.choice(things)


@dataclass
class FaultyProxy:
    """The proxy: its address, what spoils its answers, and how many connections each gate had open at most.

    A gate that asks for ``/gate-N/…`` is counted as N.
    """

    target: str
    spoiler: Spoiler | None = None
    address: str = ""
    open_now: Counter[str] = field(default_factory=Counter)
    most_open: dict[str, int] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, gate: str, change: int) -> None:
        """Count a connection that was opened, or closed."""
        with self.lock:
            self.open_now[gate] += change
            self.most_open[gate] = max(self.most_open.get(gate, 0), self.open_now[gate])


@contextmanager
def faulty_proxy(target: str, port: int = 0) -> Iterator[FaultyProxy]:
    """Stand before a server on the loopback, for as long as the context lasts."""
    proxy = FaultyProxy(target)

    class Handler(_Passing):
        faulty = proxy

    class Proxy(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 256

        def handle_error(self, *_of: object) -> None:
            """Say nothing: a client that goes away is a part of the game."""

    server = Proxy(("127.0.0.1", port), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    proxy.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield proxy
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Passing(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    faulty: FaultyProxy
    gate: str | None = None

    def handle(self) -> None:
        try:
            super().handle()
        finally:
            if self.gate is not None:
                self.faulty.count(self.gate, -1)

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        prefix = re.match(r"/gate-(\d+)(?=/)", self.path)
        if prefix and self.gate is None:
            self.gate = prefix[1]
            self.faulty.count(self.gate, 1)
        path = self.path[prefix.end() :] if prefix else self.path
        answered = _asked(self.faulty.target, self.command, path, body, dict(self.headers.items()))
        spoiler = self.faulty.spoiler
        fault = spoiler.fault(path) if spoiler else None
        if fault is None or spoiler is None:
            self._answer(answered.status, answered.body, answered.headers)
        else:
            self._spoil(fault, spoiler, answered)

    def _spoil(self, fault: str, spoiler: Spoiler, answered: Answered) -> None:
        done: dict[str, Callable[[], None]] = {
            "close": self._hang_up,
            "cut": lambda: self._cut(answered),
            "status": lambda: self._answer(spoiler.pick(STATUSES), b"<html>Bad Gateway</html>", {}),
            "body": lambda: self._answer(200, spoiler.pick(OTHER_BODIES), answered.headers),
            "short": lambda: self._answer(
                answered.status, answered.body[: len(answered.body) // 2], answered.headers
            ),
            "late": lambda: self._late(answered),
        }
        done[fault]()

    def _hang_up(self) -> None:
        self.close_connection = True
        self.connection.close()

    def _cut(self, answered: Answered) -> None:
        """Promise the whole body and send a half of it."""
        self._answer(
            answered.status, answered.body[: len(answered.body) // 2], answered.headers, len(answered.body)
        )
        self.wfile.flush()
        self._hang_up()

    def _late(self, answered: Answered) -> None:
        time.sleep(LATE_SECONDS)
        self._answer(answered.status, answered.body, answered.headers)

    def _answer(
        self, status: int, body: bytes, headers: Mapping[str, str], length: int | None = None
    ) -> None:
        self.send_response(status)
        for name in ("Content-Type", "Content-Range"):
            if name in headers:
                self.send_header(name, headers[name])
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    do_GET = do_POST = _serve  # noqa: N815 - the names that http.server calls


def _asked(target: str, verb: str, path: str, body: bytes, headers: Mapping[str, str]) -> Answered:
    connection = HTTPConnection(urlsplit(target).netloc, timeout=60)
    try:
        sent = {
            name: headers[name] for name in ("Content-Type", "Range", "Accept-Encoding") if name in headers
        }
        connection.request(verb, path, body or None, sent)
        response = connection.getresponse()
        return Answered(response.status, response.read(), dict(response.getheaders()))
    finally:
        connection.close()
