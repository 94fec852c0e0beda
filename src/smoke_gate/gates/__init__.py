"""The seven gates, in order. A gate is a module here that offers ``GATE``; nothing else knows its name."""

from smoke_gate.gates import (
    checkpoints,
    definition_hash,
    figures,
    metric_ratio,
    paired_data,
    plan,
    unit_contract,
)
from smoke_gate.gates.base import Gate

GATES: tuple[Gate, ...] = (
    plan.GATE,
    definition_hash.GATE,
    unit_contract.GATE,
    checkpoints.GATE,
    figures.GATE,
    metric_ratio.GATE,
    paired_data.GATE,
)
