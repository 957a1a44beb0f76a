"""What people and programs read: one module a format.

Rule: each fact is worded once, and everything that other people wrote is escaped
for the place that it goes to.
"""
