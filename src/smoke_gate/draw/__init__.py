"""Summary figures, drawn from evidence alone, before it is judged: G4 verifies them as it does any other figure."""

from smoke_gate.draw.drawing import MOST_OF_A_KIND, Drawing, draw, with_drawings

__all__ = ["MOST_OF_A_KIND", "Drawing", "draw", "with_drawings"]
