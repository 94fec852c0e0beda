"""The producer contract: what a training script imports so that its runs can be judged.

    with mlflow.start_run():
        contract.log_plan(cell="A3", seed=42)
        contract.log_definition(definition)
        contract.log_data_hashes(train=train, val=val, test=test)
        contract.log_environment()
        contract.log_counts(train=train, val=val, test=test)
        contract.data_overlap(train, test)
        …
        contract.log_checkpoint("model.safetensors")
        contract.log_figure(figure, "forecast")

``docs/producer-contract.md`` says which function serves which gate. All errors are ContractErrors, except the OSError
of a file that cannot be read or written.
"""

from smoke_gate.contract.artifacts import log_checkpoint, log_figure
from smoke_gate.contract.environment import log_environment
from smoke_gate.contract.facts import (
    log_data_hashes,
    log_definition,
    log_plan,
    log_scaler_space,
    log_units,
)
from smoke_gate.contract.preregistration import Golden, preregister, read_golden
from smoke_gate.contract.run import NoAnswerError
from smoke_gate.contract.samples import data_overlap, log_counts
from smoke_gate.errors import ContractError
from smoke_gate.hashing import HashError, data_hash, definition_hash
from smoke_gate.provenance import ProvenanceError, embed_provenance, read_provenance

__all__ = [
    "ContractError",
    "Golden",
    "HashError",
    "NoAnswerError",
    "ProvenanceError",
    "data_hash",
    "data_overlap",
    "definition_hash",
    "embed_provenance",
    "log_checkpoint",
    "log_counts",
    "log_data_hashes",
    "log_definition",
    "log_environment",
    "log_figure",
    "log_plan",
    "log_scaler_space",
    "log_units",
    "preregister",
    "read_golden",
    "read_provenance",
]
