"""The tests of sceplab."""
