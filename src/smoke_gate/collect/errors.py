"""The errors of reading, apart from what the gates judge."""

from smoke_gate.errors import NoVerdictError, UsageError


class StoreError(NoVerdictError):
    """The tracking store or its artifacts cannot be read.

    The text names the store without credentials, and what to check. ``code`` is MLflow's error code
    (``RESOURCE_DOES_NOT_EXIST``, …), empty where the error is not MLflow's.
    """

    def __init__(self, message: str, *, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class ExperimentError(UsageError):
    """An experiment is not there, or none was named and there is more than one to choose from."""


class NoExperimentError(ExperimentError):
    """An experiment is not there, and may be made yet."""


class ArtifactError(Exception):
    """One artifact cannot be read; the text says why and becomes that artifact's problem."""


class RefusedPlaceError(ArtifactError):
    """Artifacts are at a place that is not asked; the text names its host."""
