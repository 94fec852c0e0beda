"""Small servers on the loopback interface that behave as broken servers and proxies do."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.error import HTTPError
from urllib.request import Request, urlopen


class Received(BaseHTTPRequestHandler):
    """A request with its body."""

    body = b""


Answer = Callable[[Received], tuple[int, bytes]]


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """Have a handler answer on the loopback interface; give the address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def answering(answer: Answer) -> Iterator[str]:
    """Answer every request with a status and a body; give the address."""

    class Handler(Received):
        def do_GET(self) -> None:
            self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, body = answer(self)
            self.send_response(status)
            if status == 302:
                self.send_header("Location", "/login")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815 - http.server wants this name

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    with serving(Handler) as address:
        yield address


@contextmanager
def silent_server() -> Iterator[str]:
    """Accept connections and never answer; give the address."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@contextmanager
def dripping_server() -> Iterator[str]:
    """Answer byte by byte, so that no single wait is long; give the address."""
    stop = threading.Event()

    def drip(connection: socket.socket) -> None:
        with connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
            try:
                while not stop.wait(0.05):
                    connection.sendall(b" ")
            except OSError:
                return

    def accept(listener: socket.socket) -> None:
        while not stop.is_set():
            try:
                threading.Thread(target=drip, args=(listener.accept()[0],), daemon=True).start()
            except TimeoutError:
                continue

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.05)
        thread = threading.Thread(target=accept, args=(listener,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            stop.set()
            thread.join()


@contextmanager
def forwarding(target: str, admits: Callable[[Received], bool]) -> Iterator[str]:
    """Stand before a server: pass on what is admitted, answer 401 to the rest; give the address."""

    def answer(request: Received) -> tuple[int, bytes]:
        if not admits(request):
            return 401, b"who are you?"
        passed = Request(target + request.path, data=request.body or None, method=request.command)
        passed.add_header("Content-Type", request.headers.get("Content-Type") or "application/json")
        try:
            with urlopen(passed, timeout=60) as response:
                return response.status, response.read()
        except HTTPError as error:
            return error.code, error.read()

    with answering(answer) as address:
        yield address
