"""Programs that talk SCEP over HTTP, for experiments.

Rule: only this package uses `requests` and starts servers; messages are decoded
and encoded by `sceplab.scep`.
"""
