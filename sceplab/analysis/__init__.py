"""What decoded messages mean: rules that are broken, causes of failure, changes, differences.

Rule: values in, values out; nothing is read from files or printed here. `analyse`
works out all that a report says of a capture.
"""
