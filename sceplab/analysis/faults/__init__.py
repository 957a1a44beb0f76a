"""Rules that a message, an exchange or a conversation may break, one module a theme.

Rule: a module holds its rules as data, beside the functions that find where they
are broken; `registry` runs them all. A MUST or SHOULD is the RFC's; INFO is worth
knowing and no fault. What is said about products was seen in their messages or
source.
"""
