"""One screen a module with its .kv beside it: a view in, intents out."""
