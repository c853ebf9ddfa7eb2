"""The languages of the screens: English in the source, every other language in a .po file.

The files are read as they are: a translator changes `data/assets/locales/LANGUAGE/kassa.po` and starts the screen again.
"""

from __future__ import annotations

from functools import cache

from babel.messages.pofile import read_po

from kassa.home import data_folder

SOURCE = "en"
"""The language of the texts in code and .kv files."""
OWN_NAMES = {"ru": "Русский", "en": "English"}
"""What each language calls itself: a customer must be able to read it."""


class Translator:
    """Says a source text in one language: `tr("Pay {sum}", sum=...)`. An unknown text stays as it is."""

    def __init__(self, language: str, texts: dict[str, str]) -> None:
        self.language = language
        self._texts = texts

    def __call__(self, source: str, /, **values: object) -> str:
        text = self._texts.get(source, source)
        return text.format(**values) if values else text


@cache
def translator(language: str) -> Translator:
    """The translator into a language; one that has no file yet speaks English."""
    path = data_folder() / "assets" / "locales" / language / "kassa.po"
    if language == SOURCE or not path.is_file():
        return Translator(language, {})
    with path.open("rb") as file:
        catalogue = read_po(file, locale=language)
    return Translator(language, {str(one.id): str(one.string) for one in catalogue if one.id and one.string})


def message(source: str) -> str:
    """Mark a text for translation where it is not shown yet, in a table."""
    return source
