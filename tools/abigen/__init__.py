"""The generator of the ring-0 ABI: load.py reads and checks, model.py holds, emit_*.py write."""
