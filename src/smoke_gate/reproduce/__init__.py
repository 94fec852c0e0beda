"""Repeats a verdict: from its own file, against the store as it is now, and in the image that made it."""

from smoke_gate.reproduce.offline import Outcome, Replay, headline_of, replay
from smoke_gate.reproduce.reading import Recorded, VerdictFileError, read_document, read_recorded

__all__ = [
    "Outcome",
    "Recorded",
    "Replay",
    "VerdictFileError",
    "headline_of",
    "read_document",
    "read_recorded",
    "replay",
]
