"""Tests of `sceplab.report`."""
