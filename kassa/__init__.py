"""Kassa: an electronic cashier for internet providers and local telecom operators."""

__version__ = "0.1.0"
