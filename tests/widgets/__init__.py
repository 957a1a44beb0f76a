"""Tests of `sceplab.widgets`."""
