"""Real SCEP programs of other people against ours, and ours against theirs: `make interop`."""
