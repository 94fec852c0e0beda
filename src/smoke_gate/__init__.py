"""Reads a smoke matrix of training runs from MLflow and gives a verdict on it, with the evidence.

Public are the command `smoke-gate`, the modules `smoke_gate.contract` and `smoke_gate.integrations` for training
scripts, and the files that are read and written: the policy, the verdict file and the reports. Every other module is
private and may change in any release.
"""

__version__ = "1.0.0"
