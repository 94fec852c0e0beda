"""The ways to break a matrix that each built-in gate should see, a module for each gate.

A module offers ``MUTATIONS``. :mod:`smoke_gate.gates.mutations.changes` has what they share.
"""
