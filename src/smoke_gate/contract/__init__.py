"""The producer contract: what a training script imports so that its runs can be judged.

    with mlflow.start_run():
        contract.log_plan(cell="A3", seed=42)
        contract.log_definition(definition)
        contract.log_data_hashes(train=train, val=val, test=test)
        …
        contract.log_checkpoint("model.safetensors")
        contract.log_figure(figure, "forecast")

``docs/producer-contract.md`` says which function serves which gate.
"""

from smoke_gate.contract.artifacts import log_checkpoint, log_figure
from smoke_gate.contract.facts import (
    log_data_hashes,
    log_definition,
    log_plan,
    log_scaler_space,
    log_units,
)
from smoke_gate.contract.preregistration import Golden, preregister, read_golden
from smoke_gate.contract.run import ContractError
from smoke_gate.hashing import data_hash, definition_hash
from smoke_gate.provenance import embed_provenance, read_provenance

__all__ = [
    "ContractError",
    "Golden",
    "data_hash",
    "definition_hash",
    "embed_provenance",
    "log_checkpoint",
    "log_data_hashes",
    "log_definition",
    "log_figure",
    "log_plan",
    "log_scaler_space",
    "log_units",
    "preregister",
    "read_golden",
    "read_provenance",
]
