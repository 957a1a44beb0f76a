"""Tests of `sceplab.capture`."""
