"""Which mutants are counted apart: those that nobody but a reader can notice, and no others."""

import pytest
from verdicts import Verdict, apart

WORDS = {
    "the sentence of an error": ('raise ExportFailed("no")', 'raise ExportFailed("XXnoXX")'),
    "the sentence of an error, whole": ('raise ExportFailed(f"{path} no")', "raise ExportFailed(None)"),
    "the sentence of an error that is raised elsewhere": (
        'return JournalFailed("no")',
        'return JournalFailed("NO")',
    ),
    "what an assertion says": ('assert x, "no"', "assert x, None"),
    "a promise of the journal": ('one(db, "once", "UPDATE x", y)', 'one(db, "ONCE", "UPDATE x", y)'),
    "what a broken promise was refused with": ('_require(x, "once", entry)', '_require(x, "once", None)'),
    "what was tried": ('with self._in_words("be read"): pass', "with self._in_words(None): pass"),
}
SAME_SQL = {
    "a statement": ("f(\"SELECT a FROM b WHERE c = 'd'\")", "f(\"select a from b where c = 'd'\")"),
    "the middle of one": ("f(\" AND a = 'd'\")", "f(\" AND A = 'd'\")"),
    "the end of one": ('f("ORDER BY a")', 'f("order by a")'),
    "a table's name": ('next_of(db, "notes", "number")', 'next_of(db, "NOTES", "number")'),
}
MEANT = {
    "where an error is": ('raise JournalBroken("no", at="page")', 'raise JournalBroken("no", at="PAGE")'),
    "that an error is raised": ('raise ExportFailed("no")', "pass"),
    "which error": ('raise ExportFailed("no")', 'raise JournalFailed("no")'),
    "whether a promise was kept": ('_require(x, "once", entry)', '_require(None, "once", entry)'),
    "what is asserted": ('assert x, "no"', 'assert not x, "no"'),
    "a value inside of a statement": ("f(\"SELECT a WHERE c = 'd'\")", "f(\"SELECT a WHERE c = 'D'\")"),
    "another statement": ('one(db, "once", "UPDATE x", y)', 'one(db, "once", "XXUPDATE xXX", y)'),
    "a code": ('return "below_minimum"', 'return "BELOW_MINIMUM"'),
    "a name that is no SQL": ('f("notes")', 'f("NOTES")'),
}


@pytest.mark.parametrize(("before", "after"), WORDS.values(), ids=WORDS)
def test_words_for_a_reader_are_wording(before, after):
    assert apart(before, after) is Verdict.WORDING


@pytest.mark.parametrize(("before", "after"), SAME_SQL.values(), ids=SAME_SQL)
def test_the_case_of_sql_is_the_same_sql(before, after):
    assert apart(before, after) is Verdict.SAME_SQL


@pytest.mark.parametrize(("before", "after"), MEANT.values(), ids=MEANT)
def test_everything_else_counts(before, after):
    assert apart(before, after) is None
