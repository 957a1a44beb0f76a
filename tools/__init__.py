"""Tools of the developers: nothing here is imported by the package."""
