"""The verdict file: its types and schema, writing, reading, the headline."""
