"""Programs that talk SCEP over HTTP, for experiments.

Rule: the only place that uses `requests` and starts servers; decoding and
encoding belong to the layers.
"""
