"""Interoperability with real SCEP programs, as clients and as servers: `make interop`."""
