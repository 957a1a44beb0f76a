"""Tests of `sceplab.analysis`."""
