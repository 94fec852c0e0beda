"""Reads a smoke matrix of training runs from MLflow and gives a verdict on it, with the evidence.

Training scripts import `smoke_gate.contract`; everything else is behind the command `smoke-gate`.
"""

__version__ = "0.1.0"
