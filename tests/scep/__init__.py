"""Tests of `sceplab.scep`."""
