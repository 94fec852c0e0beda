"""Stands in for Lightning: calls the hooks of callbacks in its order, and trains nothing."""
