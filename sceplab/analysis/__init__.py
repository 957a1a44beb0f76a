"""What decoded messages mean: rules that are broken, causes of failure, changes, differences.

Rule: values in, values out. Nothing is decoded or printed here.
"""
