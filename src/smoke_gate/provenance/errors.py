"""What can be wrong with a figure."""


class ProvenanceError(ValueError):
    """A file that is no whole, readable PNG, or text that a PNG cannot hold; the message says which and why."""
