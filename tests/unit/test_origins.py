import pytest

from smoke_gate.origins import ArtifactHost, Origin, clean_artifact_host, origin_of


@pytest.mark.parametrize(
    ("address", "origin", "shown"),
    [
        ("http://host", Origin("http", "host", 80), "http://host"),
        ("HTTPS://Host:443/x?y#z", Origin("https", "host", 443), "https://host"),
        ("https://me:pw@host:5000/x", Origin("https", "host", 5000), "https://host:5000"),
        ("http://[::1]:5000", Origin("http", "::1", 5000), "http://[::1]:5000"),
        ("http://[FE80::1]", Origin("http", "fe80::1", 80), "http://[fe80::1]"),
        ("http://127.0.0.1:80", Origin("http", "127.0.0.1", 80), "http://127.0.0.1"),
        ("http://münchen.example", Origin("http", "münchen.example", 80), "http://münchen.example"),
    ],
)
def test_origins(address, origin, shown):
    assert origin_of(address) == origin
    assert str(origin) == shown
    assert origin_of(shown) == origin


@pytest.mark.parametrize(
    "address",
    [
        "", "host", "host:5000", "//host", "ftp://host", "http:", "http://", "http:///x", "http:host", "http://[",
        "http://host:port", "http://host:99999", "http://home\\@host/", "http://host\t.example", " http://host",
        "http://ho st", "http://host\0", "http://host%2eexample", "http://host;x", "data:text/plain,http://host",
    ],
)  # fmt: skip
def test_what_clients_may_understand_differently_has_no_origin(address):
    with pytest.raises(ValueError):
        origin_of(address)


@pytest.mark.parametrize("with_credentials", [False, True])
def test_a_host_that_is_allowed(with_credentials):
    origin = Origin("https", "host", 443)
    assert clean_artifact_host("https://host/", with_credentials=with_credentials) == ArtifactHost(
        origin, with_credentials
    )


@pytest.mark.parametrize(
    "address", ["https://host/x", "https://me@host", "https://host?x", "https://host#x", "host"]
)
def test_a_host_is_just_a_host(address):
    with pytest.raises(ValueError, match=r"^found "):
        clean_artifact_host(address, with_credentials=False)


def test_credentials_are_not_sent_in_clear():
    with pytest.raises(ValueError, match="found http://host, expected https"):
        clean_artifact_host("http://host", with_credentials=True)
