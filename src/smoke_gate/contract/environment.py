"""The environment of a run: Python, the libraries that train models, and the device."""

import platform
import sys
from collections.abc import Iterator
from importlib import metadata
from typing import TYPE_CHECKING, Any

from smoke_gate.contract.run import logged_run, store_errors
from smoke_gate.errors import ContractError
from smoke_gate.vocabulary import ENVIRONMENT_PREFIX

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

# Distributions that compute, by the names under which MLflow's models state them too.
_LIBRARIES = (
    "accelerate", "catboost", "flax", "jax", "jaxlib", "keras", "lightgbm", "lightning", "numpy", "onnx", "onnxruntime",
    "pandas", "peft", "pytorch-lightning", "scikit-learn", "scipy", "spacy", "statsmodels", "tensorflow", "tokenizers",
    "torch", "torchvision", "transformers", "xgboost",
)  # fmt: skip


@store_errors()
def log_environment(
    *, client: "MlflowClient | None" = None, run_id: str | None = None, **facts: str
) -> dict[str, str]:
    """Log what the run is made with, in tags ``environment.…``.

    These are ``python`` and the versions of the installed libraries that train models; no library is imported for
    it. Where torch is imported already, also ``cuda`` and ``cudnn`` (their versions), ``gpu`` (its name) and
    ``precision`` (what torch computes with by default). A tag can change: what is logged last counts.

    Args:
        client: reaches the store; needs ``run_id``.
        run_id: the run to log to, instead of the active one.
        **facts: more that may change a result, such as ``driver="550.54"``; one of the names above replaces what was
            found.

    Returns:
        The logged tags.

    """
    found = {**_versions(), **dict(_of_torch(sys.modules.get("torch"))), **facts}
    tags = {f"{ENVIRONMENT_PREFIX}{name}": str(value) for name, value in found.items()}
    for key, value in tags.items():
        if not value.strip():
            raise ContractError(f"{key} is empty: log what it is, or do not log it")
    logged_run(client, run_id).log({}, tags)
    return tags


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _of_torch(torch: Any) -> Iterator[tuple[str, str]]:
    """Yield what torch knows of the device and of its own defaults; nothing where it is not imported."""
    if torch is None:
        return
    yield "precision", f"{torch.get_default_dtype()}, matmul {torch.get_float32_matmul_precision()}"
    if torch.version.cuda:
        yield "cuda", torch.version.cuda
    if torch.cuda.is_available():
        yield "gpu", torch.cuda.get_device_name()
        yield "cudnn", str(torch.backends.cudnn.version())
