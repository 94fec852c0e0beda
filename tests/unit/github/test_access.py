import pytest

from smoke_gate.errors import UsageError
from smoke_gate.github.access import Access, access_of, derived_graphql_url

API, GRAPHQL = "GITHUB_API_URL", "GITHUB_GRAPHQL_URL"


def access(**environ: str) -> Access:
    found = access_of(environ, repository="lab/forecasts", token="secret-token")
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("api_url", "graphql_url"),
    [
        ("https://api.github.com", "https://api.github.com/graphql"),
        ("https://api.lab.ghe.com", "https://api.lab.ghe.com/graphql"),
        ("https://github.lab.example/api/v3", "https://github.lab.example/api/graphql"),
        ("https://api.github.lab.example/api/v3", "https://api.github.lab.example/api/graphql"),
        ("https://gitea.example/api/v1", None),
        ("https://forgejo.example:3000/api/v1", None),
        ("https://api.gitea.example/api/v1", None),
        ("http://127.0.0.1:8080", None),
    ],
)
def test_an_empty_graphql_address_is_derived_from_the_other_one(api_url, graphql_url):
    """spec: credentials-github"""
    assert derived_graphql_url(api_url) == graphql_url
    for empty in ({}, {GRAPHQL: ""}, {GRAPHQL: "  "}):
        found = access(**{API: f"{api_url}/", **empty})
        assert (found.api_url, found.graphql_url) == (api_url, graphql_url)


def test_without_addresses_it_is_github():
    found = access()
    assert (found.api_url, found.graphql_url) == ("https://api.github.com", "https://api.github.com/graphql")


@pytest.mark.parametrize(
    ("api_url", "graphql_url"),
    [
        ("https://github.lab.example/api/v3", "https://github.lab.example/api/graphql"),
        ("https://github.lab.example/api/v3", "https://github.lab.example:443/api/graphql"),
        ("https://GitHub.lab.example/api/v3", "https://github.lab.example/api/graphql"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080/graphql"),
    ],
)
def test_a_graphql_address_of_the_same_host_is_taken(api_url, graphql_url):
    assert access(**{API: api_url, GRAPHQL: graphql_url}).graphql_url == graphql_url


@pytest.mark.parametrize(
    ("api_url", "graphql_url"),
    [
        ("https://gitea.example/api/v1", "https://api.github.com/graphql"),
        ("https://github.lab.example/api/v3", "http://github.lab.example/api/graphql"),
        ("https://github.lab.example/api/v3", "https://github.lab.example:8443/api/graphql"),
        ("https://github.lab.example/api/v3", "https://github.lab.example.evil.example/api/graphql"),
        ("https://github.lab.example/api/v3", "https://github.lab.example@evil.example/api/graphql"),
        ("", "https://evil.example/graphql"),
    ],
)
def test_a_graphql_address_of_another_host_is_refused(api_url, graphql_url):
    """spec: credentials-github"""
    with pytest.raises(UsageError, match="the token goes to one host only") as caught:
        access(**{API: api_url, GRAPHQL: graphql_url})
    assert "secret-token" not in str(caught.value)


@pytest.mark.parametrize("variable", [API, GRAPHQL])
@pytest.mark.parametrize(
    "url", ["api.github.com", "ftp://api.github.com", "https://", "https://[", "https://x:y"]
)
def test_what_is_not_an_address_is_refused(variable, url):
    with pytest.raises(UsageError, match=rf"{variable} is '.*'; expected an address such as https://api"):
        access(**{variable: url})


def test_a_password_in_an_address_is_not_shown():
    with pytest.raises(UsageError) as caught:
        access(
            **{API: "https://api.github.com", GRAPHQL: "https://me:password@evil.example/graphql?k=password"}
        )
    assert "password" not in str(caught.value)


@pytest.mark.parametrize(
    ("repository", "token"), [(None, "t"), ("lab/forecasts", None), ("lab/forecasts", "")]
)
def test_without_a_token_or_a_repository_there_is_no_access(repository, token):
    assert access_of({}, repository=repository, token=token) is None
