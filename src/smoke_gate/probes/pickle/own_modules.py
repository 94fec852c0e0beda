"""Which globals of a pickle are of the user's own modules: what `init` proposes `allow_globals` for. Pure."""

import sys
from collections.abc import Iterable
from typing import Final

from smoke_gate.probes.pickle.dangerous import DANGEROUS
from smoke_gate.probes.pickle.globals import HARMLESS
from smoke_gate.probes.pickle.known import packages

# Libraries that save objects of their own; whether to allow these is a question that `check` asks.
_MORE: Final = frozenset([
    "IPython", "cloudpickle", "dill", "fastai", "ignite", "keras", "lightning", "mlflow", "peft", "pytorch_lightning",
    "sentence_transformers", "skops", "skorch", "spacy", "stable_baselines3", "tensorflow", "timm", "torchvision",
])  # fmt: skip


def own_patterns(unknown: Iterable[str]) -> tuple[str, ...]:
    """Return a pattern for each module of the user's own, in order.

    Args:
        unknown: globals, as `module.name`, that are neither harmless nor dangerous.

    """
    modules = {name.rpartition(".")[0] for name in unknown}
    return tuple(sorted(f"{module}.*" for module in modules if module and _is_own(module)))


def _is_own(module: str) -> bool:
    package = module.partition(".")[0]
    ours = package in sys.stdlib_module_names and package != "__main__"
    listed = {name.partition(".")[0] for name in (*HARMLESS, *DANGEROUS)}
    return package.isidentifier() and not ours and package not in packages() | listed | _MORE
