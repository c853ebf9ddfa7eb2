"""The languages of the screens: English in the source, every other language in a .po file.

The files are read as they are: a translator changes `data/assets/locales/LANGUAGE/kassa.po` and starts the screen again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from gettext import c2py

from babel.messages.pofile import read_po

from kassa.home import data_folder

SOURCE = "en"
"""The language of the texts in code and .kv files."""
PLURAL_OF_SOURCE = c2py("n != 1")
OWN_NAMES = {"ru": "Русский", "en": "English"}
"""What each language calls itself: a customer must be able to read it."""


class Translator:
    """Says a source text in one language: `tr("Pay {sum}", sum=...)`. An unknown text stays as it is."""

    def __init__(
        self, language: str, texts: Mapping[str, Sequence[str]], plural: Callable[[int], int]
    ) -> None:
        self.language = language
        self._texts, self._plural = texts, plural

    def __call__(self, source: str, /, **values: object) -> str:
        """Say a text with its values."""
        text = self._texts.get(source, (source,))[0]
        return text.format(**values) if values else text

    def count(self, one: str, many: str, number: int, /, **values: object) -> str:
        """Say a text that depends on a number, which it may show as `{number}`: 1 second, 5 seconds."""
        forms = self._texts.get(one, (one, many))
        return forms[self._plural(number)].format(number=number, **values)


@cache
def translator(language: str) -> Translator:
    """The translator into a language; one that has no file yet speaks English."""
    path = data_folder() / "assets" / "locales" / language / "kassa.po"
    if language == SOURCE or not path.is_file():
        return Translator(language, {}, PLURAL_OF_SOURCE)
    with path.open("rb") as file:
        catalogue = read_po(file, locale=language)
    texts: dict[str, tuple[str, ...]] = {}
    for one in catalogue:
        source = str(one.id if isinstance(one.id, str) else one.id[0])
        said = one.string or ""
        forms = (said,) if isinstance(said, str) else tuple(said)
        if source and all(forms):
            texts[source] = forms
    return Translator(language, texts, c2py(catalogue.plural_expr))


def message(source: str) -> str:
    """Mark a text for translation where it is not shown yet, in a table."""
    return source
