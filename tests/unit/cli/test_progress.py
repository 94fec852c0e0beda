import logging

from smoke_gate.cli.progress import told

LOG = logging.getLogger("smoke_gate.collect.read")


def test_what_is_read_is_a_line_each_and_nothing_but_text(capsys):
    with told(shown=True):
        LOG.info("%d runs in %s", 3, "x\n::error::y ##[error]z")
        logging.getLogger("urllib3").info("chatter")
    LOG.info("not asked for any more")
    assert capsys.readouterr().err == "3 runs in x\\n::error::y ## [error]z\n"
    assert not logging.getLogger("smoke_gate").handlers


def test_only_warnings_unless_asked_for(capsys):
    with told(shown=False):
        LOG.info("3 runs")
        LOG.warning("lost\n::error::x")
    assert capsys.readouterr().err == "lost\\n::error::x\n"
