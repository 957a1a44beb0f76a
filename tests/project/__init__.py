"""Tests of the whole project: its rules, notebooks, texts, and hostile input."""
