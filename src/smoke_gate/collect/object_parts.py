"""Reads parts of files in object stores, with the clients and the credentials that MLflow made."""

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


_READERS: Final[Mapping[str, Callable[[Any, str, int, int], bytes]]] = {
    "s3": _s3,
    "gs": _google,
    "wasbs": _azure_blob,
    "abfss": _azure_data_lake,
}
