"""Tests of `sceplab.exercises`."""
