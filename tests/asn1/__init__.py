"""Tests of `sceplab.asn1`."""
