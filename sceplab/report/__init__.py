"""What people and programs read: one module a format.

Rule: each fact is worded once. Text from captures is escaped for its destination
(`escape`). A report is made of one `Analysis`; no rule is run here.
"""
