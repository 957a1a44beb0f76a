"""The libraries of each extra of the package, and the error message for a missing one.

Rule: the table of extras used at run time; `pyproject.toml` has the same names with
versions, and a test compares the two. The core needs none of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sceplab.errors import ScepError


@dataclass(frozen=True, slots=True)
class Extra:
    """What `pip install "sceplab[name]"` adds to the plain install.

    `user` names what needs the libraries, as the plural subject of a sentence;
    `libraries` are the names to install, which are also those to import.
    """

    name: str
    user: str
    libraries: tuple[str, ...]

    @property
    def command(self) -> str:
        """The command that installs the extra."""
        return f'pip install "sceplab[{self.name}]"'

    def __str__(self) -> str:
        *most, last = self.libraries
        return f"{self.user} need {', '.join(most)} and {last}: {self.command}"


# The plain install.
CORE = ("asn1crypto", "cryptography", "dpkt", "httptools", "pyhanko-certvalidator", "rich")
LAB = Extra("lab", "the lab and `sceplab enroll`", ("requests", "tornado"))
NOTEBOOKS = Extra("notebooks", "notebooks and widgets", ("anywidget", "ipykernel", "ipywidgets", "jupyterlab"))
MANY = Extra("many", "tables of many captures (notebook 10)", ("dask", "distributed"))
EXTRAS = (LAB, NOTEBOOKS, MANY)


class MissingLibraryError(ScepError, ImportError):
    """A library of an extra is not installed; the message says how to install it."""


@contextmanager
def needs(extra: Extra) -> Iterator[None]:
    """Wrap the imports of an extra's libraries, and of modules that need them.

    Raises MissingLibraryError if a library, or one that it depends on, is not
    installed. The error for a missing module of sceplab itself is not changed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "sceplab":
            raise
        raise MissingLibraryError(str(extra), name=error.name) from error
