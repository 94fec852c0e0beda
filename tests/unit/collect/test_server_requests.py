"""Requests to a server: which connection they go by, and when their bodies are asked for."""

import math
import socket
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler
from types import SimpleNamespace

import pytest

from smoke_gate.collect.mlflow_environment import calm_mlflow
from smoke_gate.collect.served_histories import served_history
from smoke_gate.collect.server_requests import response_of, to_whoever_is_free
from tests.support.http import serving
from tests.support.stores import served

PATH = "/api/2.0/somewhere"


@pytest.fixture
def server() -> Iterator[tuple[str, list[int]]]:
    """Have a server that keeps its connections; give its address and the client's port of each request."""
    ports: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            ports.append(self.client_address[1])
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    with serving(Handler) as address, calm_mlflow():
        yield address, ports


def ask(address: str, **more: Mapping[str, str]) -> None:
    response = response_of(address, PATH, "GET", **more)
    assert response.content == b"{}"


@pytest.mark.skipif(not hasattr(socket, "TCP_QUICKACK"), reason="only Linux has it")
def test_the_body_is_asked_for_on_each_connection_that_is_kept(server, monkeypatch):
    address, ports = server
    options: list[tuple[int, ...]] = []
    plain = socket.socket.setsockopt

    def noted(own: socket.socket, *option: int) -> None:
        options.append(option)
        plain(own, *option)

    monkeypatch.setattr(socket.socket, "setsockopt", noted)
    for _ in range(3):
        ask(address)
    assert len(set(ports)) == 1
    assert options.count((socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)) == 3


def test_after_a_request_to_whoever_is_free_comes_a_new_connection(server):
    address, ports = server
    for _ in range(2):
        ask(address, extra_headers=to_whoever_is_free(address))
    assert len(set(ports)) == 2


def test_behind_https_the_connection_is_kept():
    assert to_whoever_is_free("https://host") == {}


def test_the_values_of_a_history_are_what_the_server_says(monkeypatch):
    answers = iter(
        [
            {"metrics": [{"key": "m", "value": "NaN", "timestamp": 5, "step": 1}], "next_page_token": "1"},
            {"metrics": [{"key": "m", "value": "-Infinity", "timestamp": "6", "step": "-2"}]},
        ]
    )
    asked = []

    def answer(_store: object, _endpoint: str, _method: str, body: Mapping[str, Mapping[str, str]]) -> object:
        asked.append(body["params"].get("page_token"))
        return next(answers)

    monkeypatch.setattr("smoke_gate.collect.served_histories.asked", answer)
    first, second = served_history(served(SimpleNamespace()), "run", "m")
    assert math.isnan(first[2])
    assert first[:2] == (1, 5)
    assert second == (-2, 6, -math.inf)
    assert asked == [None, "1"]
