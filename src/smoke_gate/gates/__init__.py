"""The seven gates, in order. A gate is a module here that offers ``GATE``; nothing else knows its name."""

from smoke_gate.gates.base import Gate
from smoke_gate.gates.checkpoints import GATE as CHECKPOINTS
from smoke_gate.gates.definition_hash import GATE as DEFINITION_HASH
from smoke_gate.gates.figures import GATE as FIGURES
from smoke_gate.gates.metric_ratio import GATE as METRIC_RATIO
from smoke_gate.gates.paired_data import GATE as PAIRED_DATA
from smoke_gate.gates.plan import GATE as PLAN
from smoke_gate.gates.unit_contract import GATE as UNIT_CONTRACT

GATES: tuple[Gate, ...] = (
    PLAN,
    DEFINITION_HASH,
    UNIT_CONTRACT,
    CHECKPOINTS,
    FIGURES,
    METRIC_RATIO,
    PAIRED_DATA,
)
