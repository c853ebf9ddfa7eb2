"""What the importer says to clerks, in Russian and English: one table of sentences by code."""

from __future__ import annotations

from typing import Literal

from kassa.untrusted import printable

Language = Literal["ru", "en"]


class Words:
    """Something to be said in whichever language it is wanted: a code of SENTENCES and the values in it."""

    def __init__(self, code: str, **values: object) -> None:
        assert code in SENTENCES, code
        self.code, self.values = code, values

    def say(self, language: Language) -> str:
        """The words."""
        return say(language, self.code, **self.values)


class Unusable(Exception, Words):
    """A file as a whole is refused: the sentence for the clerk."""

    def __init__(self, code: str, **values: object) -> None:
        Words.__init__(self, code, **values)
        Exception.__init__(self, self.say("en"))


def say(language: Language, code: str, **values: object) -> str:
    """The sentence of this code."""
    return SENTENCES[code][language].format(
        **{name: _told(language, value) for name, value in values.items()}
    )


def _told(language: Language, value: object) -> object:
    """A value in a sentence: what comes out of a file must not steer the terminal it is printed on."""
    if isinstance(value, Words):
        return value.say(language)
    return printable(value) if isinstance(value, str) else value


SENTENCES: dict[str, dict[Language, str]] = {
    # --- the first sentence of a report
    "taken": {
        "ru": "Файл принят: {accepted} строк, {accounts} лицевых счетов.",
        "en": "The file was taken: {accepted} rows, {accounts} accounts.",
    },
    "taken_already": {
        "ru": "Файл уже загружен: это то же содержимое, данные не изменились.",
        "en": "The file is loaded already: its content is the same, nothing changed.",
    },
    "would_take": {
        "ru": "Файл годится: {accepted} строк, {accounts} лицевых счетов. Это была проверка, данные не изменились.",
        "en": "The file is good: {accepted} rows, {accounts} accounts. This was a check, nothing changed.",
    },
    "refused": {
        "ru": "Файл не принят: {reason} Терминал работает с прежними данными.",
        "en": "The file was refused: {reason} The terminal goes on with the data it has.",
    },
    # --- the file itself
    "missing": {
        "ru": "файла нет или он недоступен ({detail}).",
        "en": "it is not there or cannot be reached ({detail}).",
    },
    "link": {
        "ru": "это ссылка; положите сам файл.",
        "en": "it is a link; put the file itself there.",
    },
    "folder": {
        "ru": "это папка; положите сам файл.",
        "en": "it is a folder; put the file itself there.",
    },
    "not_ordinary": {
        "ru": "это не обычный файл, а устройство или канал.",
        "en": "it is no ordinary file but a device or a pipe.",
    },
    "name_not_text": {
        "ru": "имя файла не в UTF-8; переименуйте файл латинскими буквами и положите снова.",
        "en": "its name is not UTF-8; rename it with plain letters and drop it again.",
    },
    "too_large": {
        "ru": "в нём {size} байт, разрешено {allowed} (kassa.toml: data.size_max_mb).",
        "en": "it has {size} bytes, allowed are {allowed} (kassa.toml: data.size_max_mb).",
    },
    "changed_while_read": {
        "ru": "он изменился во время чтения; дождитесь конца копирования и положите снова.",
        "en": "it changed while it was read; wait until copying has ended and drop it again.",
    },
    "empty": {
        "ru": "он пуст (0 байт); выгрузите его снова.",
        "en": "it is empty (0 bytes); export it again.",
    },
    "archive": {
        "ru": "это {kind}, а не текст; распакуйте его и положите сам файл.",
        "en": "it is {kind}, not text; unpack it and drop the file itself.",
    },
    "spreadsheet": {
        "ru": "это таблица или документ ({kind}); сохраните её как CSV с разделителем «;».",
        "en": "it is a spreadsheet or document ({kind}); save it as CSV with the separator ';'.",
    },
    # --- encoding
    "utf16": {
        "ru": "он в кодировке UTF-16; сохраните его как UTF-8 или windows-1251.",
        "en": "it is UTF-16; save it as UTF-8 or windows-1251.",
    },
    "undecodable": {
        "ru": "в строке {line} есть байты, которых нет в кодировке {encoding} (смещение {offset}); выгрузите его снова.",
        "en": "line {line} has bytes that do not exist in {encoding} (at offset {offset}); export it again.",
    },
    "encoding_mismatch": {
        "ru": "как {declared} он читается «{ours}», а как {likely} — «{theirs}»; выгрузите его в UTF-8 или windows-1251.",
        "en": "read as {declared} it says {ours!r}, as {likely} {theirs!r}; export it as UTF-8 or windows-1251.",
    },
    "letters_strange": {
        "ru": "буквы не читаются ни в одной известной кодировке: «{ours}»; выгрузите файл в UTF-8 или windows-1251.",
        "en": "its letters make no words in any encoding we know: {ours!r}; export it as UTF-8 or windows-1251.",
    },
    "mojibake": {
        "ru": "буквы испорчены двойной перекодировкой: «{ours}», было, видимо, «{theirs}»; выгрузите файл снова.",
        "en": "its letters are broken by converting twice: {ours!r} was probably {theirs!r}; export it again.",
    },
    "nul": {
        "ru": "в строке {line} есть нулевые байты; это не текст.",
        "en": "line {line} has NUL bytes; this is not text.",
    },
    "second_bom": {
        "ru": "в середине (строка {line}, смещение {offset}) стоит метка начала файла: склеены два файла.",
        "en": "there is a byte order mark in the middle (line {line}, offset {offset}): two files were glued.",
    },
    # --- layout
    "unreadable_xml": {
        "ru": "XML испорчен или оборван (строка {line}): {detail}.",
        "en": "its XML is broken or cut off (line {line}): {detail}.",
    },
    "doctype": {
        "ru": "в XML есть DOCTYPE, это запрещено; выгрузите файл без него.",
        "en": "its XML has a DOCTYPE, which is not allowed; export it without.",
    },
    "xml_root": {
        "ru": "корневой элемент «{found}», а по профилю должен быть «{expected}»; возможно, файл для другого профиля.",
        "en": "its root element is {found!r}, the profile expects {expected!r}; it may be for another profile.",
    },
    "xml_encoding": {
        "ru": "XML объявлен в кодировке {found}; разрешены UTF-8 и windows-1251.",
        "en": "its XML declares the encoding {found}; allowed are UTF-8 and windows-1251.",
    },
    "xml_attributes": {
        "ru": "строка {line}: у элемента больше {allowed} атрибутов; такой XML не принимается.",
        "en": "line {line}: an element has more than {allowed} attributes; such XML is not taken.",
    },
    "xml_depth": {
        "ru": "строка {line}: вложенность больше {allowed} уровней; такой XML не принимается.",
        "en": "line {line}: elements are nested deeper than {allowed} levels; such XML is not taken.",
    },
    "xml_elements": {
        "ru": "строка {line}: больше {allowed} элементов подряд; такой XML не принимается.",
        "en": "line {line}: there are more than {allowed} elements; such XML is not taken.",
    },
    "xml_include": {
        "ru": "строка {line}: XInclude не разрешён; выгрузите файл без него.",
        "en": "line {line}: XInclude is not allowed; export it without.",
    },
    "columns_missing": {
        "ru": "в заголовке нет столбца «{missing}»; найдены: {found}.{hint}",
        "en": "its header has no column {missing!r}; found: {found}.{hint}",
    },
    "columns_twice": {
        "ru": "столбец «{name}» стоит в заголовке дважды; оставьте один.",
        "en": "the column {name!r} stands in the header twice; leave one.",
    },
    "columns_few": {
        "ru": "в строке {line} столбцов {found}, а по профилю нужен столбец {needed}.{hint}",
        "en": "line {line} has {found} columns, the profile needs column {needed}.{hint}",
    },
    "separator_hint": {
        "ru": " С разделителем «{separator}» столбцы подошли бы.",
        "en": " With the separator {separator!r} the columns would fit.",
    },
    "no_header": {
        "ru": "в первых {bytes} байтах нет строки заголовка.",
        "en": "its first {bytes} bytes hold no header line.",
    },
    "line_too_long": {
        "ru": "строка {line} длиннее {allowed} байт; это не список абонентов.",
        "en": "line {line} is longer than {allowed} bytes; this is no list of subscribers.",
    },
    "open_quote": {
        "ru": "в строке {line} кавычка открыта и не закрыта; исправьте строку, а если так везде — csv.quote в профиле.",
        "en": "line {line} opens a quote and does not close it; mend the line, or csv.quote in the profile if all are so.",
    },
    "rows_after_trailer": {
        "ru": "после итоговой строки {line} идут ещё данные: похоже, склеены два файла.",
        "en": "there are data after the trailer in line {line}: two files may have been glued.",
    },
    "odd_lines": {
        "ru": "больше {allowed} строк не совпадают с заголовком по числу столбцов; проверьте разделитель и профиль.",
        "en": "more than {allowed} lines have another number of columns than the header; check separator and profile.",
    },
    "too_many_rows": {
        "ru": "в нём больше {allowed} строк.",
        "en": "it has more than {allowed} rows.",
    },
    # --- the verdict over all rows
    "no_rows": {
        "ru": "в нём нет ни одной строки с абонентом; пустой файл не стирает базу.",
        "en": "it has not a single row; an empty file never erases the data.",
    },
    "bad_rows": {
        "ru": "строк с ошибками {bad} из {rows}, разрешено не больше {allowed}; первая: {first}.",
        "en": "{bad} of {rows} rows are bad, allowed are at most {allowed}; the first: {first}.",
    },
    "duplicates": {
        "ru": "лицевых счетов, у которых одна и та же услуга указана больше одного раза: {count}; первый — {account} в строке {line}.",
        "en": "accounts that have the same service more than once: {count}; the first is {account} in line {line}.",
    },
    "count_differs": {
        "ru": "в файле указано записей {declared}, а прочитано {found}; файл мог оборваться.",
        "en": "it declares {declared} records but {found} were read; it may be cut off.",
    },
    "sum_differs": {
        "ru": "в файле указана сумма {declared}, а по строкам выходит {found}; файл мог оборваться или измениться.",
        "en": "it declares the sum {declared} but its rows make {found}; it may be cut off or changed.",
    },
    "control_unreadable": {
        "ru": "контрольное значение {name} = «{value}» нельзя прочитать; исправьте его или профиль.",
        "en": "its control value {name} = {value!r} cannot be read; mend it or the profile.",
    },
    "control_missing": {
        "ru": "нет обязательного контрольного значения {name}; файл мог оборваться.",
        "en": "its control value {name} is missing, and the profile demands it; it may be cut off.",
    },
    "as_of_unreadable": {
        "ru": "дату данных «{value}» нельзя прочитать; виды дат заданы в профиле (date.forms).",
        "en": "its date {value!r} cannot be read; the profile says how dates are written (date.forms).",
    },
    "as_of_future": {
        "ru": "дата данных {as_of} — в будущем; проверьте часы терминала и выгрузку.",
        "en": "its date {as_of} lies in the future; check the terminal's clock and the export.",
    },
    "as_of_ancient": {
        "ru": "дата данных {as_of} слишком старая; проверьте столбец даты и часы того, кто выгружал.",
        "en": "its date {as_of} is too old to be true; check the date column and the exporting machine's clock.",
    },
    "as_of_older": {
        "ru": "его данные от {as_of}, а загружены более новые, от {loaded}.",
        "en": "its data are of {as_of}, newer ones of {loaded} are loaded.",
    },
    # --- a row
    "column_": {"ru": "вся строка", "en": "the whole line"},
    "column_account": {"ru": "лицевой счёт", "en": "account"},
    "column_name": {"ru": "имя", "en": "name"},
    "column_address": {"ru": "адрес", "en": "address"},
    "column_service": {"ru": "услуга", "en": "service"},
    "column_balance": {"ru": "сумма", "en": "amount"},
    "column_as_of": {"ru": "дата", "en": "date"},
    "row_columns": {
        "ru": "столбцов {found}, а должно быть {expected}",
        "en": "{found} columns instead of {expected}",
    },
    "row_columns_any": {"ru": "не то число столбцов", "en": "another number of columns"},
    "row_text_long_any": {"ru": "слишком длинный текст", "en": "the text is too long"},
    "row_header_again": {
        "ru": "снова заголовок в середине файла",
        "en": "the header again in the middle of the file",
    },
    "row_account_empty": {
        "ru": "нет лицевого счёта",
        "en": "no account",
    },
    "row_account": {
        "ru": "лицевой счёт не подходит под шаблон профиля",
        "en": "the account does not fit the profile's pattern",
    },
    "row_account_number": {
        "ru": "лицевой счёт испорчен таблицей (записан как число); сделайте столбец текстовым",
        "en": "a spreadsheet turned the account into a number; make the column text",
    },
    "row_amount_empty": {
        "ru": "нет суммы",
        "en": "no amount",
    },
    "row_amount": {
        "ru": "это не сумма в виде, заданном профилем",
        "en": "not an amount in the profile's form",
    },
    "row_service": {
        "ru": "услуги нет в профиле",
        "en": "the profile does not know this service",
    },
    "row_text_long": {
        "ru": "текст длиннее {allowed} знаков",
        "en": "the text is longer than {allowed} characters",
    },
    "row_date": {
        "ru": "дата не в виде, заданном профилем",
        "en": "not a date in the profile's form",
    },
    # --- what was mended
    "fix_bom": {"ru": "метка UTF-8 в начале", "en": "UTF-8 mark at the beginning"},
    "fix_blank_line": {"ru": "пустые строки", "en": "blank lines"},
    "note_comment": {"ru": "строки-примечания пропущены", "en": "comment lines passed over"},
    "fix_same_row": {"ru": "полностью одинаковые строки", "en": "rows that are exactly the same"},
    "fix_account_padded": {"ru": "счета дополнены нулями", "en": "accounts padded with zeros"},
    "fix_account_form": {
        "ru": "счета приведены к единому виду",
        "en": "accounts brought to their normal form",
    },
    "fix_amount_form": {"ru": "суммы приведены к единому виду", "en": "amounts brought to their normal form"},
    "fix_control_letters": {
        "ru": "управляющие знаки в тексте заменены пробелом",
        "en": "control characters in texts became blanks",
    },
    "warn_replacement": {
        "ru": "в тексте есть знак замены � — буквы потеряны при выгрузке",
        "en": "texts hold the replacement sign �: letters were lost in the export",
    },
    # --- headings of a report
    "head_file": {"ru": "Файл", "en": "File"},
    "head_profile": {"ru": "Профиль", "en": "Profile"},
    "head_sha256": {"ru": "SHA-256", "en": "SHA-256"},
    "head_as_of": {"ru": "Данные на", "en": "Data as of"},
    "head_as_of_file": {"ru": "Данные на (по времени файла)", "en": "Data as of (the file's own time)"},
    "head_encoding": {"ru": "Кодировка", "en": "Encoding"},
    "head_rows": {"ru": "Строк", "en": "Rows"},
    "head_accepted": {"ru": "Принято", "en": "Taken"},
    "head_refused": {"ru": "С ошибками", "en": "Bad"},
    "head_accounts": {"ru": "Лицевых счетов", "en": "Accounts"},
    "head_total": {"ru": "Сумма балансов", "en": "Sum of balances"},
    "head_count_control": {"ru": "Записей: в файле / у нас", "en": "Records: declared / found"},
    "head_sum_control": {"ru": "Сумма: в файле / у нас", "en": "Sum: declared / found"},
    "head_difference": {
        "ru": "Против загруженных данных",
        "en": "Against the loaded data",
    },
    "difference": {
        "ru": "новых {new}, исчезнут {gone}, изменятся {changed}, без изменений {same}",
        "en": "{new} new, {gone} gone, {changed} changed, {same} the same",
    },
    "head_fixes": {"ru": "Исправлено при чтении", "en": "Mended while reading"},
    "head_reasons": {"ru": "Ошибки", "en": "Errors"},
    "head_bad_rows": {"ru": "Строки с ошибками", "en": "Bad rows"},
    "bad_row": {
        "ru": "строка {line}, {column}: «{value}» — {reason}",
        "en": "line {line}, {column}: {value!r}: {reason}",
    },
    "more_bad_rows": {"ru": "… и ещё {count}", "en": "… and {count} more"},
    # --- the inbox, the machine
    "no_room": {
        "ru": "на диске терминала мало места (свободно {free_mb} МБ); файл подождёт, пока место не освободят.",
        "en": "the terminal's disk is nearly full ({free_mb} MB free); the file waits until there is room.",
    },
    "busy": {
        "ru": "уже минуту идёт другой импорт; файл подождёт, пока он не закончится.",
        "en": "another import has been running for a minute; the file waits until it has ended.",
    },
    "fault": {
        "ru": "программа импорта не справилась с файлом ({attempts} попытки): {detail}.",
        "en": "the importer could not cope with it ({attempts} attempts): {detail}.",
    },
}
