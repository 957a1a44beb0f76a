"""What decoded messages mean: rules that are broken, causes of failure, changes, differences.

Rule: values in, values out; no files are read and nothing is printed. `analyse`
computes everything that a report says about a capture.
"""
