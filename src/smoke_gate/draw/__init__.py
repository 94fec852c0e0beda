"""Summary figures, drawn from evidence alone, before it is judged: G4 verifies them as it does any other figure."""

from smoke_gate.draw.drawing import Drawing, draw, with_drawings

__all__ = ["Drawing", "draw", "with_drawings"]
