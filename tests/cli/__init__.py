"""Tests of `sceplab.cli`."""
