"""Facts about one local file, read without ever running what is in it, in bounded memory and time."""
