"""The suites of ./fb bench: what they boot or run, and the rows they print."""
