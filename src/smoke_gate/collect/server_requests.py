"""Requests to an MLflow server, made as MLflow makes them: with its credentials, headers and retries."""

import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from requests import Response

    from smoke_gate.collect.store import Store

_ACKNOWLEDGE_NOW: int | None = getattr(socket, "TCP_QUICKACK", None)  # Linux has it


def asked(store: "Store", endpoint: str, method: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON object that a tracking server answers; ``body`` are arguments of a request of requests."""
    from mlflow.utils import rest_utils

    checked: Callable[[Any, str], Any] = rest_utils.verify_rest_response
    response = response_of(store.uri, endpoint, method, extra_headers=to_whoever_is_free(store.uri), **body)
    answer: dict[str, Any] = checked(response, endpoint).json()
    return answer


def response_of(host: str, endpoint: str, method: str, **more: Any) -> "Response":
    """Return a server's response; its body is not read yet."""
    from mlflow.utils import credentials, rest_utils

    credentials_for: Callable[[str], object] = credentials.get_default_host_creds
    request: Callable[..., Response] = rest_utils.http_request
    response = request(credentials_for(host), endpoint, method, stream=True, **more)
    ask_for_body_now(response)
    return response


def to_whoever_is_free(host: str) -> dict[str, str]:
    """Return the headers of a request after which the connection ends, so that the next one makes one of its own.

    A connection leads to one process of MLflow's server as long as it lasts; a new one is taken by a process that is
    free. Behind https is a proxy, which sees to that.
    """
    return {"Connection": "close"} if host.startswith("http:") else {}


def ask_for_body_now(response: "Response") -> None:
    """Acknowledge a response's headers at once, so that its body comes at once.

    MLflow's own server sends a short body when its headers are acknowledged, and on a connection that was used before
    the system waits 40 ms with that, for something to send along.
    """
    connection = getattr(response.raw, "connection", None)
    own = getattr(connection, "sock", None)
    if own is not None and _ACKNOWLEDGE_NOW is not None:
        with suppress(OSError):
            own.setsockopt(socket.IPPROTO_TCP, _ACKNOWLEDGE_NOW, 1)
