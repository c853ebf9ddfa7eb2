"""The command line: `kassa NOUN VERB`."""
