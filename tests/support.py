"""Helpers that several tests share."""

import shutil

import pytest


def needs(tool):
    return pytest.mark.skipif(shutil.which(tool) is None, reason=tool)
