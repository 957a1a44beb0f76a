"""Run all of sceplab's readers on other projects' files: `make corpora`."""
