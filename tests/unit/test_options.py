from smoke_gate.options import Options
from smoke_gate.origins import ArtifactHost, Origin


def test_the_arguments_ask_the_same_without_credentials():
    options = Options(
        cells=("B0", "A3"),
        experiment=("a b",),
        artifact_path_map=(
            ("s3://me:secret@bucket/a", "/runs"),
            ("/old", "https://me:secret@host/x?sig=secret"),
        ),
        artifact_host=(ArtifactHost(Origin("http", "one", 8080)),),
        artifact_host_with_credentials=(ArtifactHost(Origin("https", "two", 443), with_credentials=True),),
    )
    assert options.arguments("sqlite:///mlflow.db") == (
        *("--tracking-uri", "sqlite:///mlflow.db"),
        *("--cells", "B0,A3"),
        *("--experiment", "a b"),
        *("--artifact-path-map", "s3://bucket/a=/runs"),
        *("--artifact-path-map", "/old=https://host/x"),
        *("--artifact-host", "http://one:8080"),
        *("--artifact-host-with-credentials", "https://two"),
    )
