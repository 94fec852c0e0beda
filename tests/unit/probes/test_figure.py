import hashlib
import io

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from smoke_gate.probes.figure import probe_figure
from smoke_gate.provenance import embed_provenance


def png() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (4, 3), "red").save(buffer, "PNG")
    return buffer.getvalue()


def test_a_whole_png_with_text(tmp_path):
    data = embed_provenance(png(), {"source_run_ids": '["a"]', "note": "높이"})
    path = tmp_path / "local.bin"
    path.write_bytes(data)
    figure = probe_figure(path, "figures/a.png")
    assert figure.path == "figures/a.png"
    assert figure.sha256 == hashlib.sha256(data).hexdigest()
    assert figure.text == {"source_run_ids": '["a"]', "note": "높이"}
    assert figure.problem is None


@pytest.mark.parametrize("data", [b"", b"GIF89a", png()[:-1], png() + b"x", png()[:40] + b"\0" + png()[41:]])
def test_what_is_no_whole_png(tmp_path, data):
    path = tmp_path / "a.png"
    path.write_bytes(data)
    figure = probe_figure(path, "figures/a.png")
    assert figure.problem
    assert figure.text == {}
    assert figure.sha256 == hashlib.sha256(data).hexdigest()


def test_a_text_that_cannot_be_told_is_kept_apart(tmp_path):
    info = PngInfo()
    info.add_text("Comment", "a")
    info.add_text("Comment", "b")
    info.add_text("cell", "A3")
    Image.new("L", (4, 3)).save(tmp_path / "a.png", pnginfo=info)
    figure = probe_figure(tmp_path / "a.png", "figures/a.png")
    assert (figure.text, figure.problem) == ({"cell": "A3"}, None)
    assert figure.unread == {"Comment": "the PNG says two different things under it"}


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError):
        probe_figure(tmp_path / "none.png", "figures/none.png")
