"""Tests of `sceplab.cms`."""
