"""Booting FeuerBird in an emulator: the parts of tools/run.py and of whoever else needs a machine."""
