from smoke_gate.collect.artifacts import read_figures
from tests.support.recorded import png


def test_figures_of_the_checkout(tmp_path):
    for name in ("figs/a.png", "figs/deep/b.png", "figs/c.jpg", ".git/d.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(png(name))
    (tmp_path / "figs/broken.png").write_bytes(b"no png")
    figures = {figure.path: figure for figure in read_figures(tmp_path, ("figs/**/*.png", "**/d.png"))}
    assert sorted(figures) == ["figs/a.png", "figs/broken.png", "figs/deep/b.png"]
    assert figures["figs/a.png"].text == {"source_run_ids": '["figs/a.png"]'}
    assert figures["figs/broken.png"].problem is not None


def test_a_link_that_leaves_the_checkout_is_a_problem(tmp_path):
    (tmp_path / "checkout/figs").mkdir(parents=True)
    (tmp_path / "secret.png").write_bytes(png("secret"))
    (tmp_path / "checkout/figs/a.png").symlink_to(tmp_path / "secret.png")
    (figure,) = read_figures(tmp_path / "checkout", ("figs/*.png",))
    assert (figure.sha256, dict(figure.text)) == (None, {})
    assert "leads out" in (figure.problem or "")


def test_without_patterns_nothing_is_looked_for(tmp_path):
    assert read_figures(tmp_path / "absent", ()) == ()
    assert read_figures(tmp_path / "absent", ("*.png",)) == ()
