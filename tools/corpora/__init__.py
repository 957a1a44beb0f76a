"""Other people's files through all of our readers: `make corpora`."""
