"""Receipts to look at before anybody pays: samples, and pictures of them dot by dot."""
