"""Summary figures of the judged runs. They decide nothing."""

from smoke_gate.draw.drawing import MOST_OF_A_KIND, Drawing, draw

__all__ = ["MOST_OF_A_KIND", "Drawing", "draw"]
