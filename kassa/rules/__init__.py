"""Deciding, pure: no I/O, no clock, no chance."""
