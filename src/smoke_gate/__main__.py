"""`python -m smoke_gate` is the command `smoke-gate`."""

from smoke_gate.cli import main

if __name__ == "__main__":
    main()
