"""Measurements, never part of a test: they depend on the machine."""
