import ast
import json
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import smoke_gate
from smoke_gate.credentials import find_secrets, trimmed, without_address_secrets
from smoke_gate.redaction import Secrets, process_secrets
from tests.support.canaries import FORMS, basic, leaks

SECRETS = {
    "a plain token": "tok-CANARY-1",
    "letters and digits": "n0CANARY1u",
    "signs": "p@ss CANARY-w0rd/+&=%?#",
    "quotes": 'it\'s "CANARY" `so`',
    "backslashes": "\\n\\CANARY\\\\1\\",
    "markup": "<b>CANARY&amp;</b>",
    "other letters": "pässwörd-CANARY-é",
    "Korean": "비밀번호-CANARY-절대",
    "beyond the first plane": "🔑-CANARY-🔑",
    "in Markdown": "_CANARY_*x*[y](z)",
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
def test_a_secret_is_removed_in_every_form(form, secret):
    """spec: credentials-not-shown"""
    written = form(secret)
    shown = Secrets.of([secret]).removed_from(f"before {written} after")
    assert leaks(shown) == []
    assert shown.startswith("before ")
    assert shown.endswith(" after")


ANY_SECRET = st.text(
    st.characters(codec="utf-8", exclude_characters="\r\n\x85\v\f\x1c\x1d\x1e\u2028\u2029"), min_size=8
)


@given(secret=ANY_SECRET.filter(lambda text: len(text.strip()) >= 8), form=st.sampled_from(sorted(FORMS)))
def test_any_secret_is_removed_in_every_form(secret, form):
    secret = secret.strip()
    assume("latin-1" not in form or ord(max(secret)) < 256)
    shown = Secrets.of([secret]).removed_from(f"«{FORMS[form](secret)}»")
    assert "***" in shown
    assert secret not in shown.replace("***", "")


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
@given(around=st.text())
def test_json_without_secrets_is_json(secret, around):
    document = {"before": around, "text": f"{around}{secret}{around}\n{secret}"}
    shown = json.loads(Secrets.of([secret]).removed_from(json.dumps(document)))
    assert "CANARY" not in shown["text"]


@given(st.text())
def test_what_holds_no_secret_stays(text):
    secrets = Secrets.of(["a secret that no text has: 0123456789"])
    assert secrets.removed_from(text) == text


def test_a_secret_is_removed_trimmed_and_line_by_line():
    secrets = Secrets.of(["  first-CANARY-line\r\nsecond-CANARY-line\n"])
    assert secrets.removed_from("first-CANARY-line | 'second-CANARY-line'") == "*** | '***'"


def test_short_secrets_are_removed_from_errors_only():
    """spec: credentials-not-shown"""
    secrets = Secrets.of(["pw-1"], [("user", "pw-1")])
    assert secrets.removed_from("pw-1 is a part of words") == "pw-1 is a part of words"
    assert secrets.removed_from_error("refused: pw-1, 'pw%2D1'") == "refused: ***, '***'"
    assert secrets.removed_from(f"Authorization: Basic {basic('user:pw-1')}") == "Authorization: Basic ***"


def test_errors_lose_the_credentials_and_queries_of_their_addresses():
    assert (
        Secrets().removed_from_error("GET https://me:pw@host/x?sig=1 failed") == "GET https://host/x failed"
    )


def test_the_filter_does_not_show_what_it_removes():
    assert "CANARY" not in repr(Secrets.of(["tok-CANARY-1"]))


# --- where secrets are ----------------------------------------------------------------------------------------------


def found(environ: dict[str, str], *texts: str) -> set[str]:
    return find_secrets({"HOME": "/nowhere", **environ}, texts).values


@pytest.mark.parametrize(
    "name",
    [
        "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN", "AZURE_STORAGE_ACCESS_KEY", "AZURE_STORAGE_CONNECTION_STRING", "AZURE_STORAGE_SAS_TOKEN",
        "AZURE_CLIENT_SECRET", "DATABRICKS_TOKEN", "DATABRICKS_CLIENT_SECRET", "GITHUB_TOKEN", "INPUT_GITHUB_TOKEN",
        "ACTIONS_RUNTIME_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN", "PGPASSWORD",
    ],
)  # fmt: skip
def test_variables_that_hold_a_secret(name):
    """spec: credentials-not-shown"""
    assert "CANARY-secret" in found({name: "CANARY-secret"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MLFLOW_TRACKING_URI", "https://mlflow.example.org"),
        ("MLFLOW_TRACKING_USERNAME", "somebody"),
        ("AWS_DEFAULT_REGION", "eu-central-1"),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", "/var/run/token"),
        ("GOOGLE_APPLICATION_CREDENTIALS", "/home/me/key.json"),
        ("MLFLOW_TRACKING_INSECURE_TLS", "true"),
        ("AWS_SESSION_TOKEN", "false"),
        ("SMOKE_GATE_KEY", "rmse_definition_hash"),
        ("DATABASE", "postgresql://host/mlflow?sslmode=verify-full&application_name=smoke-gate"),
    ],
)
def test_what_is_not_a_secret(name, value):
    assert found({name: value}) == set()


@pytest.mark.parametrize(
    ("text", "secrets"),
    [
        ("https://me:pw@host/x", {"pw"}),
        ("https://me:p/w@host/x", {"p/w"}),
        ("https://me:p[w@host/x", {"p[w"}),
        ("s3://old=https://me:pw@host/x", {"pw"}),
        ("s3://one\nhttps://token@host/x", {"token"}),
        ("ssh://git@host/x", set()),
        ("https://host/x?sv=2024&sig=abc&something=CANARY-else", {"abc", "CANARY-else"}),
        ("wasbs://container@a.blob.example.org/x", set()),
    ],
)
def test_the_secrets_of_addresses_in_arguments(text, secrets):
    assert found({}, text) == secrets


def test_the_secrets_of_a_proxy_without_a_scheme():
    assert found({"https_proxy": "me:CANARY-pw@proxy:3128"}) == {"CANARY-pw"}


def test_the_parts_of_a_secret_that_errors_quote_alone():
    connection = "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=CANARY+key==;EndpointSuffix=x"
    assert "CANARY+key==" in found({"AZURE_STORAGE_CONNECTION_STRING": connection})
    assert "CANARY-sig" in found({"AZURE_STORAGE_SAS_TOKEN": "?sv=2024&sig=CANARY-sig"})
    assert "CANARY-key" in found({"GOOGLE_CREDENTIALS": json.dumps({"private_key": "CANARY-key"})})


def test_the_secrets_of_files_that_clients_read(tmp_path):
    (tmp_path / ".netrc").write_text("machine host login me password CANARY-netrc\n")
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws/credentials").write_text(
        "[default]\naws_secret_access_key = CANARY-aws%x\nregion = here\n"
    )
    (tmp_path / ".mlflow").mkdir()
    (tmp_path / ".mlflow/credentials").write_text("[mlflow]\nmlflow_tracking_password = CANARY-mlflow\n")
    assert found({"HOME": str(tmp_path)}) == {"CANARY-netrc", "CANARY-aws%x", "CANARY-mlflow"}


@pytest.mark.parametrize("content", [b"machine", b"\xff\xfe", b"no netrc at all", b"machine h login l"])
def test_a_file_that_cannot_be_read_holds_nothing(tmp_path, content):
    for name in (".netrc", ".databrickscfg"):
        (tmp_path / name).write_bytes(content)
    found({"HOME": str(tmp_path)})


def test_the_process_knows_its_secrets(monkeypatch):
    """spec: credentials-not-shown"""
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "CANARY-token")
    monkeypatch.setattr("sys.argv", ["smoke-gate", "check", "--tracking-uri", "https://me:CANARY-pw@host"])
    secrets = process_secrets("https://me:CANARY-more@host")
    assert secrets.removed_from("CANARY-token CANARY-pw CANARY-more") == "*** *** ***"


def test_white_space_around_a_token_is_dropped():
    """spec: credentials-not-shown"""
    given = {
        "MLFLOW_TRACKING_TOKEN": "tok\n",
        "AWS_SESSION_TOKEN": "\ttok",
        "GITHUB_TOKEN": "tok",
        "OTHER_TOKEN": "x ",
    }
    assert trimmed(given) == {"MLFLOW_TRACKING_TOKEN": "tok", "AWS_SESSION_TOKEN": "tok"}


@pytest.mark.parametrize(
    ("fact", "shown"),
    [
        ("no address: a?b=c", "no address: a?b=c"),
        ("https://host/d?version=3", "https://host/d?version=3"),
        ("git+ssh://git@host/x", "git+ssh://git@host/x"),
        ("see 'https://me:pw@host/x'", "see 'https://me:***@host/x'"),
        ("https://host/x?sig=abc&v=1", "https://host/x?sig=***&v=1"),
    ],
)
def test_a_fact_keeps_what_says_what_ran(fact, shown):
    assert without_address_secrets(fact) == shown


def test_nothing_goes_around_the_standard_streams():
    """A stream's ``buffer`` and the streams that Python started with know no filter."""
    for file in Path(smoke_gate.__file__).parent.rglob("*.py"):
        names = {
            node.attr for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Attribute)
        }
        assert not names & {"__stdout__", "__stderr__", "buffer"}, file
