"""GitHub: what the job is about, and publishing its verdict."""
