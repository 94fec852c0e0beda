"""The policy: its models, how it is read, and the terms in which it speaks."""
