"""What people and machines read: one module an output, pure text but for ``files``."""
