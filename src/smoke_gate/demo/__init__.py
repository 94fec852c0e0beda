"""The demo: a real smoke matrix, trained on real electricity demand, and the ways in which one breaks in life.

``load_forecasting`` is the training script as a user would write it (``examples/load_forecasting/train.py`` is the same
file), ``matrix`` runs it for every planned pair, ``sabotage`` lists what goes wrong.
"""

from smoke_gate.demo.matrix import DemoError, DemoStore, train
from smoke_gate.demo.sabotage import SABOTAGES, Sabotage

__all__ = ["SABOTAGES", "DemoError", "DemoStore", "Sabotage", "train"]
