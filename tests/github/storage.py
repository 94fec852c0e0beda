"""Where GitHub keeps artifacts: another host than its API, which asks for no token."""

import io
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from tests.github.server import FakeGitHub
from tests.support.http import Received, answering


@contextmanager
def storage_of(github: FakeGitHub) -> Iterator[list[Received]]:
    """Serve the artifacts that a GitHub keeps, and give the requests that were made."""
    asked: list[Received] = []

    def answer(request: Received) -> tuple[int, bytes]:
        asked.append(request)
        number = request.path.strip("/").partition("?")[0]
        found = next((one.archive for one in github.kept if str(one.id) == number), None)
        return (404, b"") if found is None else (200, found)

    with answering(answer) as address:
        github.storage = address.replace("127.0.0.1", "localhost")
        yield asked


def zipped(files: Mapping[str, str | bytes]) -> bytes:
    """Return an archive as upload-artifact makes one."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()
