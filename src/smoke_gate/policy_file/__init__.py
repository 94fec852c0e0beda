"""The policy file: reading it, its errors with their places, its schema, and a policy as others read it."""
