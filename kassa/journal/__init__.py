"""The durable truth: append-only, hash-chained entries and the tables derived from them."""
