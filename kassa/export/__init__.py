"""Payment batches: frozen in the journal, written as files."""
