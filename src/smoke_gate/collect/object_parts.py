"""Parts and versions of files in object stores, asked through the clients, and with the credentials, of MLflow."""

import posixpath
from collections.abc import Callable, Mapping
from typing import Any, Final

from smoke_gate.collect.errors import ArtifactError


def part_of_object(repository: Any, path: str, offset: int, count: int) -> bytes:
    """Return so many bytes of a file from an offset on.

    Args:
        repository: MLflow's repository of S3, Google Cloud Storage, Azure Blob Storage or Azure Data Lake.
        path: the file's path from the repository's root.
        offset: where the part begins.
        count: its bytes, at least one.

    Raises:
        ArtifactError: It is a repository of another kind.
        Exception: What the store's client raises.

    """
    read = _READERS.get(repository.artifact_uri.partition(":")[0].lower())
    if read is None:
        raise ArtifactError("such a store does not give parts of files")
    return read(repository, path, offset, count)


def version_of_object(repository: Any, path: str) -> str | None:
    """Return the address of a file with the version that its store gives it; None where the store gives none.

    Args:
        repository: As for :func:`part_of_object`.
        path: The file's path from the repository's root.

    Raises:
        Exception: What the store's client raises.

    """
    read = _VERSIONS.get(repository.artifact_uri.partition(":")[0].lower())
    version = read(repository, path) if read is not None else None
    return None if version is None else f"{posixpath.join(repository.artifact_uri, path)}@{version}"


def _s3(repository: Any, path: str, offset: int, count: int) -> bytes:
    bucket, root = repository.parse_s3_compliant_uri(repository.artifact_uri)
    answer = repository._get_s3_client().get_object(
        Bucket=bucket,
        Key=posixpath.join(root, path),
        Range=f"bytes={offset}-{offset + count - 1}",
        **repository._bucket_owner_params,
    )
    if "ContentRange" not in answer:
        raise ArtifactError("such a store does not give parts of files")
    data: bytes = answer["Body"].read(count)
    return data


def _google(repository: Any, path: str, offset: int, count: int) -> bytes:
    bucket, root = repository.parse_gcs_uri(repository.artifact_uri)
    blob = repository._get_bucket(bucket).blob(posixpath.join(root, path))
    data: bytes = blob.download_as_bytes(
        start=offset, end=offset + count - 1, timeout=repository._GCS_DEFAULT_TIMEOUT
    )
    return data


def _azure_blob(repository: Any, path: str, offset: int, count: int) -> bytes:
    container, _, root, _ = repository.parse_wasbs_uri(repository.artifact_uri)
    client = repository.client.get_container_client(container)
    data: bytes = client.download_blob(posixpath.join(root, path), offset=offset, length=count).readall()
    return data


def _azure_data_lake(repository: Any, path: str, offset: int, count: int) -> bytes:
    client = repository.fs_client.get_file_client(posixpath.join(repository.base_data_lake_directory, path))
    data: bytes = client.download_file(offset=offset, length=count).readall()
    return data


def _s3_version(repository: Any, path: str) -> str:
    bucket, root = repository.parse_s3_compliant_uri(repository.artifact_uri)
    answer = repository._get_s3_client().head_object(
        Bucket=bucket, Key=posixpath.join(root, path), **repository._bucket_owner_params
    )
    return f"{answer.get('VersionId', '')} {answer['ETag']}"


def _google_version(repository: Any, path: str) -> str:
    bucket, root = repository.parse_gcs_uri(repository.artifact_uri)
    blob = repository._get_bucket(bucket).blob(posixpath.join(root, path))
    blob.reload(timeout=repository._GCS_DEFAULT_TIMEOUT)
    return str(blob.generation)


def _azure_blob_version(repository: Any, path: str) -> str:
    container, _, root, _ = repository.parse_wasbs_uri(repository.artifact_uri)
    client = repository.client.get_container_client(container)
    return str(client.get_blob_client(posixpath.join(root, path)).get_blob_properties().etag)


def _azure_data_lake_version(repository: Any, path: str) -> str:
    client = repository.fs_client.get_file_client(posixpath.join(repository.base_data_lake_directory, path))
    return str(client.get_file_properties().etag)


_READERS: Final[Mapping[str, Callable[[Any, str, int, int], bytes]]] = {
    "s3": _s3,
    "gs": _google,
    "wasbs": _azure_blob,
    "abfss": _azure_data_lake,
}
_VERSIONS: Final[Mapping[str, Callable[[Any, str], str]]] = {
    "s3": _s3_version,
    "gs": _google_version,
    "wasbs": _azure_blob_version,
    "abfss": _azure_data_lake_version,
}
