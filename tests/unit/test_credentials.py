import pytest

from smoke_gate.credentials import secrets_in


@pytest.mark.parametrize(
    ("uri", "secrets"),
    [
        ("", set()),
        ("https://mlflow.example.org", set()),
        ("./mlruns", set()),
        ("https://[", set()),
        ("https://me:p%40ss@mlflow.example.org", {"p%40ss", "p@ss"}),
        ("https://token@mlflow.example.org", {"token"}),
        ("https://me:@mlflow.example.org", set()),
        ("postgresql://me:secret@db/mlflow", {"secret"}),
        ("postgresql://db/x?user=me&password=hunter2", {"hunter2"}),
        ("https://host/?api_key=a%2Bb&SIG=c+d&design=e&sslmode=require", {"a%2Bb", "a+b", "c+d", "c d"}),
        ("mssql://db/x?Pwd=one;access%5Ftoken=two", {"one", "two"}),
        ("https://host/?token&password=", set()),
    ],
)
def test_the_secrets_of_an_address_are_known_as_written_and_as_meant(uri, secrets):
    assert secrets_in(uri) == secrets
