"""Callbacks of training frameworks that log the producer contract.

Each module needs its framework and is imported by who trains with it: ``smoke_gate.integrations.lightning`` and
``smoke_gate.integrations.transformers``. Nothing else of the package imports them.
"""
