"""Tests of `sceplab.files` and `sceplab.sources`."""
