"""Files that hold nothing but the bytes of tensors, one behind the other: another file says which, and where.

TensorFlow's checkpoints (``NAME.data-00000-of-00001``) and ONNX models with external data (``NAME.onnx.data``) have
them. Their bytes have no structure that could be checked.
"""

import io
from typing import Final

from smoke_gate.evidence import Holds
from smoke_gate.probes.inspection import Inspection
from smoke_gate.probes.streams import drain

_DIGITS = "[0-9]" * 5
NAMES: Final = (f"*.data-{_DIGITS}-of-{_DIGITS}", "*.onnx.data", "*.onnx_data")


def probe_tensor_data(stream: io.BufferedReader, _: int, inspection: Inspection) -> None:
    """Read the bytes to their end."""
    if drain(stream):
        inspection.came_upon(Holds.TENSORS)
