"""The reports for people and machines: one module for each output, pure text except for ``files``."""
