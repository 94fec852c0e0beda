"""Servers of databases, objects and pages on the loopback interface, each as its own program."""

import base64
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType

from tests.support.mlflow_server import free_port

INSTALLED = Path(__file__).resolve().parents[2] / ".venv-backends"
"""What `make test-backends` installs."""
AZURE_ACCOUNT, _AZURE_KEY = "smoke", base64.b64encode(b"the key of a loopback account").decode()
_START_SECONDS = 60
_PLACES = (
    "/usr/sbin",
    "/usr/local/sbin",
    *map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)),
)


def program(name: str) -> str:
    """Return the path of a program.

    Raises:
        RuntimeError: It is not installed; the tests of a back end do not pass without it.
    """
    found = shutil.which(name, path=os.pathsep.join((os.environ.get("PATH", ""), *_PLACES)))
    if found is None:
        raise RuntimeError(
            f"{name} is not installed; Debian has it in postgresql, mariadb-server or nginx-light"
        )
    return found


@contextmanager
def postgresql() -> Iterator[str]:
    """Run PostgreSQL with an empty database ``postgres``; give the host and port of its user ``smoke``."""
    port = free_port()
    with _folder_of("postgres") as (folder, user):
        initdb = [
            program("initdb"),
            "-D",
            str(folder),
            "-U",
            "smoke",
            "-A",
            "trust",
            "--no-sync",
            "-E",
            "UTF8",
            "--locale=C",
        ]
        subprocess.run(initdb, user=user, check=True, capture_output=True, cwd=folder)
        settings = [
            f"-c{name}" for name in ("listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off")
        ]
        command = [program("postgres"), "-D", str(folder), "-p", str(port), *settings]
        with _running(command, port, folder, user, stop=signal.SIGINT):
            # it listens before it answers
            asked = [program("pg_isready"), "--quiet", "--host=127.0.0.1", f"--port={port}"]
            end = time.monotonic() + _START_SECONDS
            while subprocess.run(asked, check=False).returncode and time.monotonic() < end:
                time.sleep(0.05)
            yield f"127.0.0.1:{port}"


@contextmanager
def mariadb() -> Iterator[str]:
    """Run MariaDB with an empty database ``smoke``; give the host and port of its user ``smoke``."""
    port = free_port()
    with _folder_of("mysql") as (folder, user):
        name = user or pwd.getpwuid(os.getuid()).pw_name
        own = [f"--datadir={folder}/data", f"--user={name}"]
        install = [program("mariadb-install-db"), "--no-defaults", *own, "--skip-test-db"]
        subprocess.run(install, check=True, capture_output=True)
        (folder / "first.sql").write_text(
            "CREATE USER smoke@127.0.0.1;\nGRANT ALL ON *.* TO smoke@127.0.0.1;\nCREATE DATABASE smoke;\n"
        )
        command = [
            program("mariadbd"), "--no-defaults", *own, "--bind-address=127.0.0.1", f"--port={port}",
            "--skip-name-resolve", f"--socket={folder}/socket", f"--init-file={folder}/first.sql",
            "--innodb-flush-log-at-trx-commit=0",
        ]  # fmt: skip
        with _running(command, port, folder, user):
            yield f"127.0.0.1:{port}"


@contextmanager
def azurite() -> Iterator[str]:
    """Run Azurite; give the connection string of its account ``smoke``."""
    port = free_port()
    with TemporaryDirectory(prefix="smoke-gate-azurite-") as folder:
        command = [
            str(INSTALLED / "azurite/node_modules/.bin/azurite-blob"), "--blobPort", str(port), "--location", folder,
            "--silent", "--disableTelemetry", "--skipApiVersionCheck",
        ]  # fmt: skip
        accounts = {"AZURITE_ACCOUNTS": f"{AZURE_ACCOUNT}:{_AZURE_KEY}"}
        with _running(command, port, Path(folder), variables=accounts):
            yield (
                f"DefaultEndpointsProtocol=http;AccountName={AZURE_ACCOUNT};AccountKey={_AZURE_KEY};"
                f"BlobEndpoint=http://127.0.0.1:{port}/{AZURE_ACCOUNT};"
            )


@contextmanager
def google_storage() -> Iterator[str]:
    """Run an emulator of Google Cloud Storage; give its address."""
    port = free_port()
    with TemporaryDirectory(prefix="smoke-gate-gcs-") as folder:
        emulator = INSTALLED / "clients/bin/gcp-storage-emulator"
        command = [str(emulator), "start", "--host", "127.0.0.1", "--port", str(port), "--in-memory"]
        with _running(command, port, Path(folder)):
            yield f"http://127.0.0.1:{port}"


@contextmanager
def nginx(folder: Path, server: str) -> Iterator[int]:
    """Run nginx with one ``server`` block, in which ``PORT`` stands for the port that is given."""
    port = free_port()
    as_root = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(
        f"daemon off; {as_root} pid {folder}/nginx.pid; error_log stderr; events {{}}\n"
        f"http {{ access_log off; client_max_body_size 0; {server.replace('PORT', str(port))} }}\n"
    )
    command = [program("nginx"), "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", "stderr"]
    with _running(command, port, folder):
        yield port


@contextmanager
def _running(
    command: Sequence[str],
    port: int,
    folder: Path,
    user: str | None = None,
    stop: int = signal.SIGTERM,
    variables: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[None]:
    log = folder / f"{Path(command[0]).name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=output, cwd=folder, user=user, env={**os.environ, **variables}
        )
    try:
        end = time.monotonic() + _START_SECONDS
        while process.poll() is None and time.monotonic() < end:
            with socket.socket() as asking:
                if asking.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        else:
            raise RuntimeError(f"{command[0]} did not start:\n{log.read_text(errors='replace')}")
        yield
    finally:
        process.send_signal(stop)
        process.wait(30)


@contextmanager
def _folder_of(name: str) -> Iterator[tuple[Path, str | None]]:
    """Give a new folder and its owner: a database refuses to run as root, so its own user has to be there."""
    user = name if os.geteuid() == 0 else None
    with TemporaryDirectory(prefix=f"smoke-gate-{name}-") as folder:
        if user:
            shutil.chown(folder, user)
        yield Path(folder), user
