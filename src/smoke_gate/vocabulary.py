"""The names that training code writes and smoke-gate reads: params, tags, artifacts, units and file suffixes.

The producer (`contract`) and the reader (`collect`, the gates, `init`) take them from here, so they cannot drift apart.
"""

from typing import Final

# Params.
DEFINITION_KEY: Final = "pape_definition_hash"
"""The param of the definition's hash, unless the policy names another one."""
PAYLOAD_SUFFIX: Final = "_payload"
"""The definition's key with this suffix is the param that holds the definition itself."""
PRIOR_KEY: Final = "prior_sha256"
"""The hash of the registration that a registration replaces."""

COUNT_SUFFIX: Final = "_count"
"""A split's name with this suffix is the param of its number of samples."""
OVERLAP_KEY: Final = "data_overlap"
"""The param of the number of samples that are in two splits."""

# Tags.
ENVIRONMENT_PREFIX: Final = "environment."
"""A tag of this prefix says the version of what the rest names: a library, ``python``, ``cuda``, ``gpu``."""
COMMIT_TAG: Final = "git_commit"
DIRTY_TAG: Final = "git_dirty"
NAME_TAG: Final = "mlflow.runName"
"""A run's name, which older versions of MLflow keep nowhere else."""
PARENT_TAG: Final = "mlflow.parentRunId"
"""The id of the run that a run is a child of, as the trials of a sweep are."""
KIND_TAG: Final = "smoke_gate.kind"
PREREGISTRATION: Final = "preregistration"
"""The value of ``KIND_TAG`` of a preregistration run, and the run's name."""

# Artifacts.
USUAL_FOLDER: Final = "checkpoints"
"""The folder in which training code logs checkpoints."""
MANIFEST: Final = "checkpoints/MANIFEST.json"
DEFINITION_FILE: Final = "definition.json"
GOLDEN_FILE: Final = "golden.npz"
CHECKPOINT_SUFFIXES: Final = (
    ".pt", ".pth", ".ckpt", ".bin", ".safetensors", ".npz", ".npy", ".pkl", ".pickle", ".joblib", ".h5", ".hdf5",
    ".keras", ".skops", ".onnx", ".gguf", ".msgpack", ".ubj", ".cbm", ".lgb", ".tflite",
)  # fmt: skip
"""The suffixes of files that hold weights. Each but ``.bin`` promises a format whose content is probed."""

# Text chunks of figures.
SOURCES: Final = "source_run_ids"

UNITS: Final = ("standardized", "kW", "kWh_per_h")
