"""Tests of `sceplab.schema`."""
