"""Looks at an experiment that may never have heard of smoke-gate, and writes a policy that its runs can be held to.

In order: :mod:`~smoke_gate.init.read` (the store), :mod:`~smoke_gate.init.places`, :mod:`~smoke_gate.init.identity` and
:mod:`~smoke_gate.init.guess` (what is guessed; pure), :mod:`~smoke_gate.init.policy_text` and
:mod:`~smoke_gate.init.workflow` (what is written). What the runs are worth is not a guess: `check` judges them.
"""
