"""Tests of the project as a whole: its rules, its notebooks, its prose, hostile input."""
