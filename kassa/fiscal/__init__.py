"""Receipts, shifts and the queue of payments that wait for their fiscal document."""
