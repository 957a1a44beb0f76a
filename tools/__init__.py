"""Developer tools; the package imports nothing from here."""
