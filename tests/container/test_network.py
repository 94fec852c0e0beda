"""The image and the network: a private certificate authority, and signals while a server lets it wait."""

import signal
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from uuid import uuid4

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.container.image import DOCKER, IMAGE, built_from, docker, run

TRUSTED = """
import pathlib, ssl
print([dict(sum(one["subject"], ())).get("commonName") for one in ssl.create_default_context().get_ca_certs()])
print(pathlib.Path("/usr/local/share/ca-certificates/private.crt").exists())
"""


class Refusing(BaseHTTPRequestHandler):
    """A tracking server that everybody reaches and nobody may use."""

    def do_POST(self) -> None:
        self.send_response(401)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST  # noqa: N815

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing."""


@contextmanager
def serving(certificate: Path) -> Iterator[str]:
    """Serve HTTPS on a free port of the loopback; yield the address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Refusing)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"https://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def private_authority(folder: Path) -> tuple[Path, Path]:
    """Make a certificate that nobody else trusts; return the file for the server and the one to trust."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "private authority")])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=2))
        .not_valid_after(now + timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public = certificate.public_bytes(Encoding.PEM)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    ours, theirs = folder / "server.pem", folder / "ca.crt"
    ours.write_bytes(private + public)
    theirs.write_bytes(public)
    return ours, theirs


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ((), "certificate"),
        (("SSL_CERT_FILE",), "401"),
        (("REQUESTS_CA_BUNDLE",), "401"),
    ],
)
def test_a_private_authority_is_trusted_where_it_is_named(tmp_path, variables, message):
    ours, theirs = private_authority(tmp_path)
    trust = [f"--env={name}=/ca.crt" for name in variables]
    with serving(ours) as address:
        arguments = ["check", f"--tracking-uri={address}", "--cells=B0", "--seeds=42", "--experiment=stage05"]
        ended = run(*arguments, options=[f"--volume={theirs}:/ca.crt:ro", *trust], network="host")
    assert ended.code == 3
    assert message in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_private_authority_of_the_build_is_trusted_and_its_file_left_out(tmp_path):
    _, theirs = private_authority(tmp_path)
    context = tmp_path / "context"
    context.mkdir()
    options = ["--target=base", f"--secret=id=ca,src={theirs}"]
    with built_from("RUN --mount=type=secret,id=ca,", context, *options) as image:
        found = docker("run", "--rm", "--network=none", image, "python3", "-c", TRUSTED)
    trusted, kept = found.stdout.splitlines()
    assert "'private authority'" in trusted
    assert kept == "False"


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_it_at_once(sent):
    name = f"smoke-gate-test-{uuid4()}"
    with socket.create_server(("127.0.0.1", 0)) as silent:  # accepts and never answers
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        silent.settimeout(60)
        arguments = ["check", f"--tracking-uri={address}", "--cells=B0", "--seeds=42", "--experiment=stage05"]
        with subprocess.Popen(
            [DOCKER, "run", "--rm", "--name", name, "--network", "host", IMAGE, *arguments],
            stderr=subprocess.PIPE,
            text=True,
        ) as client:
            connection, _ = silent.accept()
            with connection:
                docker("kill", f"--signal={sent.name}", name)
                _, message = client.communicate(timeout=60)
    assert client.returncode == 3
    assert "interrupted: no verdict" in message
