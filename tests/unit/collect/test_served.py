"""Credentials stay with the origin: asked of servers on the loopback interface, each port an origin of its own."""

import base64
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from requests import HTTPError

from smoke_gate.collect.errors import ArtifactError, RefusedPlaceError
from smoke_gate.collect.mlflow_environment import calm_mlflow
from smoke_gate.collect.served import ENDPOINT, ServedArtifacts
from smoke_gate.origins import origin_of
from tests.support.parts import Served, serving_parts

FOLDER = f"/api/2.0{ENDPOINT}/1/run/artifacts"
Answer = tuple[int, dict[str, str], bytes]


@dataclass
class Server:
    """A server that answers by path, and remembers who asked for what with which credentials."""

    address: str
    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    cookies: list[str | None] = field(default_factory=list)

    def sends(self, path: str, body: bytes) -> None:
        self.answers[path] = (200, {}, body)

    def redirects(self, path: str, location: str) -> None:
        self.answers[path] = (302, {"Location": location}, b"")


@contextmanager
def serving(wrap: Callable[[ThreadingHTTPServer], str] = lambda _: "http") -> Iterator[Server]:
    found: list[Server] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server = found[0]
            server.asked.append((self.path, self.headers.get("Authorization")))
            server.cookies.append(self.headers.get("Cookie"))
            status, headers, body = server.answers.get(self.path.partition("?")[0], (404, {}, b""))
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    scheme = wrap(listener)
    found.append(Server(f"{scheme}://127.0.0.1:{listener.server_port}"))
    thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield found[0]
    finally:
        listener.shutdown()
        thread.join()
        listener.server_close()


@pytest.fixture
def servers() -> Iterator[tuple[Server, Server]]:
    with ExitStack() as stack, calm_mlflow():
        yield stack.enter_context(serving()), stack.enter_context(serving())


@pytest.fixture(autouse=True)
def _token(monkeypatch, tmp_path):
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "tok-CANARY-1")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))


def artifacts(server: Server, *, credentials: bool, user_info: str = "") -> ServedArtifacts:
    return ServedArtifacts(origin_of(server.address), FOLDER, credentials, user_info)


def downloaded(folder: ServedArtifacts, tmp_path: Path, path: str = "a.npz", most: int = 100) -> bytes:
    folder.download(path, tmp_path / "artifact", most)
    return (tmp_path / "artifact").read_bytes()


BEARER = "Bearer tok-CANARY-1"


@pytest.mark.parametrize(("credentials", "header"), [(True, BEARER), (False, None)])
def test_who_asks(servers, tmp_path, credentials, header):
    home, _ = servers
    home.sends(f"{FOLDER}/x/a%20b.npz", b"weights")
    assert downloaded(artifacts(home, credentials=credentials), tmp_path, "x/a b.npz") == b"weights"
    assert home.asked == [(f"{FOLDER}/x/a%20b.npz", header)]


def test_the_user_of_the_tracking_uri_asks(servers, tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_TOKEN")
    home, _ = servers
    home.sends(f"{FOLDER}/a.npz", b"weights")
    downloaded(artifacts(home, credentials=True, user_info="me:p%40ss@"), tmp_path)
    assert home.asked[0][1] == "Basic " + base64.b64encode(b"me:p@ss").decode()


def test_a_listing(servers):
    home, _ = servers
    files = [{"path": "a.npz", "is_dir": False, "file_size": "7"}, {"path": "sub", "is_dir": True}]
    home.sends(f"/api/2.0{ENDPOINT}", json.dumps({"files": files}).encode())
    found = artifacts(home, credentials=True).list_artifacts("x")
    assert [(file.path, file.is_dir, file.file_size) for file in found] == [
        ("x/a.npz", False, 7),
        ("x/sub", True, None),
    ]
    assert home.asked == [(f"/api/2.0{ENDPOINT}?path=1%2Frun%2Fartifacts%2Fx", BEARER)]


def test_a_file_is_no_folder(servers):
    home, _ = servers
    home.sends(f"/api/2.0{ENDPOINT}", b'{"files": [{"path": "a.npz", "is_dir": false}]}')
    assert artifacts(home, credentials=True).list_artifacts("a.npz") == []
    home.sends(f"/api/2.0{ENDPOINT}", b"{}")
    assert artifacts(home, credentials=True).list_artifacts() == []


def test_a_file_that_is_too_large(servers, tmp_path):
    home, _ = servers
    home.sends(f"{FOLDER}/a.npz", b"x" * 101)
    with pytest.raises(ArtifactError, match="larger than 100 bytes"):
        downloaded(artifacts(home, credentials=True), tmp_path)


def test_a_host_without_credentials_gets_no_cookie_back(servers, tmp_path):
    home, _ = servers
    home.answers[f"{FOLDER}/a.npz"] = (200, {"Set-Cookie": "who=CANARY"}, b"weights")
    for _ in range(2):
        downloaded(artifacts(home, credentials=False), tmp_path)
    assert home.cookies == [None, None]


# --- redirects --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("credentials", [True, False])
def test_a_redirect_to_another_host_is_followed_without_credentials(servers, tmp_path, credentials):
    """spec: credentials-redirects"""
    home, other = servers
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password CANARY-netrc\n")
    if credentials:
        netrc.write_text("")  # or it would be sent home in place of the token
    home.redirects(f"{FOLDER}/a.npz", f"http://me:pw@{other.address.removeprefix('http://')}/signed?sig=1#x")
    other.redirects("/signed", f"{home.address}/back")
    home.sends("/back", b"weights")
    assert downloaded(artifacts(home, credentials=credentials), tmp_path) == b"weights"
    assert other.asked == [("/signed?sig=1", None)]
    assert home.asked == [(f"{FOLDER}/a.npz", BEARER if credentials else None), ("/back", None)]


@pytest.mark.parametrize("location", ["/moved?x=1", "moved?x=1", "../../moved?x=1", "{home}/moved?x=1"])
def test_a_redirect_within_the_origin_keeps_the_credentials(servers, tmp_path, location):
    home, _ = servers
    home.redirects(f"{FOLDER}/a.npz", location.format(home=home.address))
    for path in ("/moved", f"{FOLDER}/moved", f"{FOLDER.rpartition('/')[0].rpartition('/')[0]}/moved"):
        home.sends(path, b"weights")
    assert downloaded(artifacts(home, credentials=True), tmp_path) == b"weights"
    assert [header for _, header in home.asked] == [BEARER, BEARER]


@pytest.mark.parametrize(
    "location",
    [
        "http://169.254.169.254/latest/meta-data", "http://[fe80::1]/", "http://[::ffff:169.254.169.254]/",
        "http://2852039166/", "http://0xA9FEA9FE/", "http://[fd00:ec2::254]/", "file:///etc/passwd", "ftp://127.0.0.1/x",
        "http://[", "http://", "//169.254.169.254/x", "http://127.0.0.1\\@169.254.169.254/",
    ],
)  # fmt: skip
@pytest.mark.parametrize("credentials", [True, False])
def test_a_redirect_that_is_not_followed(servers, tmp_path, location, credentials):
    """spec: credentials-redirects"""
    home, other = servers
    home.redirects(f"{FOLDER}/a.npz", f"{other.address}/x")
    other.redirects("/x", location)
    with pytest.raises(RefusedPlaceError, match=r"http://127\.0\.0\.1:\d+ redirects "):
        downloaded(artifacts(home, credentials=credentials), tmp_path)
    assert {path for path, _ in other.asked} == {"/x"}


def test_redirects_without_end(servers, tmp_path):
    home, other = servers
    home.redirects(f"{FOLDER}/a.npz", f"{other.address}/x")
    other.redirects("/x", f"{home.address}{FOLDER}/a.npz")
    with pytest.raises(RefusedPlaceError, match="redirects more than 10 times"):
        downloaded(artifacts(home, credentials=True), tmp_path)


def test_what_is_not_there_is_told(servers, tmp_path):
    home, _ = servers
    with pytest.raises(HTTPError, match="404"):
        downloaded(artifacts(home, credentials=True), tmp_path)


# --- TLS --------------------------------------------------------------------------------------------------------------


def certificate(folder: Path) -> Path:
    """Write a certificate of 127.0.0.1 with its key."""
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    file = folder / "certificate.pem"
    file.write_bytes(pem + made.public_bytes(serialization.Encoding.PEM))
    return file


def test_a_trusted_host_gets_the_credentials_by_https(tmp_path, monkeypatch):
    file = certificate(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(file))

    def wrap(listener: ThreadingHTTPServer) -> str:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        listener.socket = context.wrap_socket(listener.socket, server_side=True)
        return "https"

    with calm_mlflow(), serving(wrap) as trusted, serving() as plain:
        trusted.redirects(f"{FOLDER}/a.npz", f"{plain.address}/signed")
        plain.sends("/signed", b"weights")
        assert downloaded(artifacts(trusted, credentials=True), tmp_path) == b"weights"
    assert trusted.asked == [(f"{FOLDER}/a.npz", BEARER)]
    assert plain.asked == [("/signed", None)]


# --- parts of files ---------------------------------------------------------------------------------------------------

DATA = bytes(range(256)) * 4


def test_a_part_of_a_file_is_asked_for_with_credentials():
    served = Served({f"{FOLDER}/x/a.npz": DATA})
    with calm_mlflow(), serving_parts(served) as address:
        folder = ServedArtifacts(origin_of(address), FOLDER, with_credentials=True)
        assert folder.part("x/a.npz", 10, 20) == DATA[10:30]
    (request,) = served.asked
    assert (request.headers["Authorization"], request.headers["Range"]) == (BEARER, "bytes=10-29")


def test_a_server_that_does_not_know_ranges_is_not_read_to_its_end():
    served = Served({f"{FOLDER}/a.npz": bytes(50 << 20)}, knows_ranges=False)
    with calm_mlflow(), serving_parts(served) as address:
        folder = ServedArtifacts(origin_of(address), FOLDER)
        with pytest.raises(ArtifactError, match="does not give parts of files"):
            folder.part("a.npz", 10, 20)


@pytest.mark.parametrize("credentials", [True, False])
def test_a_redirect_elsewhere_carries_the_range_and_no_credentials(servers, credentials):
    home, _ = servers
    served = Served({"/signed": DATA})
    with serving_parts(served) as other:
        home.redirects(f"{FOLDER}/a.npz", f"{other}/signed?sig=1")
        assert artifacts(home, credentials=credentials).part("a.npz", 0, 5) == DATA[:5]
    (request,) = served.asked
    assert (request.headers["Authorization"], request.headers["Range"]) == (None, "bytes=0-4")


@pytest.mark.parametrize("given", ["", "bytes 0-19/100", "bytes 10-28/100"])
def test_another_part_than_asked_for_is_refused(servers, given):
    home, _ = servers
    home.answers[f"{FOLDER}/a.npz"] = (206, {"Content-Range": given}, bytes(20))
    with pytest.raises(ArtifactError, match="does not give parts"):
        artifacts(home, credentials=True).part("a.npz", 10, 20)


def test_more_than_asked_for_is_refused(servers):
    home, _ = servers
    home.answers[f"{FOLDER}/a.npz"] = (206, {"Content-Range": "bytes 10-29/100"}, bytes(21))
    with pytest.raises(ArtifactError, match="more than was asked for"):
        artifacts(home, credentials=True).part("a.npz", 10, 20)
