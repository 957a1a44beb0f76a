"""Tests of `sceplab.lab`."""
