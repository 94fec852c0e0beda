"""Repeats a verdict: from its own file, against the store as it is now, and in the image that made it."""

from smoke_gate.reproduce.offline import Replay, ReplayOutcome, headline_of, replay

__all__ = ["Replay", "ReplayOutcome", "headline_of", "replay"]
