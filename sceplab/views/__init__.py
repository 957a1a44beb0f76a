"""What people see, as plain data and as HTML that needs no script.

Rule: no ipywidgets and no kernel. A state builder returns a dictionary of JSON
values and bytes, which a widget or an HTML page hands to the scripts; a still
returns HTML or text. Text from a capture is escaped here.
"""
