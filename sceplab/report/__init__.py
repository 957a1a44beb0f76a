"""Reports for people and programs: one module for each format.

Rule: each fact is worded once. Text from captures is escaped for its destination
(`escape`). A report is made of one `Analysis`; no rule is run here.
"""
