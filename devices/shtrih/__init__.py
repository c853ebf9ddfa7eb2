"""Shtrih-M fiscal registrars with a fiscal drive."""
