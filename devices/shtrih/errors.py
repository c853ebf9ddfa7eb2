"""What the registrar's error codes mean, what a host can do about each, and what a person can.

Source: Shtrih-M, "Command protocol" 1.17, table of errors; codes 01..24 are the fiscal drive's own since there is one.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Reaction(enum.Enum):
    """What the one who got an error does next."""

    RETRY = "R"
    """Wait a moment and repeat."""
    LOOK = "S"
    """Ask the status first: another state is required."""
    MEND = "F"
    """Our data or the registrar's settings are wrong; repeating does not help."""
    STOP = "X"
    """Out of service until a person has come."""


@dataclass(frozen=True, slots=True)
class Remedy:
    """What staff do about it, as an order."""

    english: str
    russian: str


@dataclass(frozen=True, slots=True)
class Meaning:
    """An error code in words, in the language of staff abroad and as the registrar itself would say it."""

    english: str
    russian: str
    reaction: Reaction
    remedy: Remedy


BUSY = 0x50
WAITS_FOR_CONTINUE = 0x58
WRONG_PASSWORD = 0x4F
NO_DATA = 0x08
NO_PAPER = 0x6B
WRONG_SUBMODE = 0x72
WRONG_MODE = 0x73
OPENED_BY_ANOTHER = 0x59
DOCUMENT_IS_OPEN = frozenset({0x49, 0x4A, OPENED_BY_ANOTHER})
CLOCK_ERRORS = frozenset({0x07, 0x17, 0x79, 0x7C, 0x7D, 0xC0})
"""Date and time have to be set or confirmed by a person."""
SHIFT_OVER = frozenset({0x16, 0x4E, 0x96})
"""The shift has to be closed before anything can be sold."""
NOT_SUPPORTED = frozenset({0x33, 0x36, 0x37})
"""A tag or command that this firmware does not take; what it carried can be left out."""
NO_SETTING = NOT_SUPPORTED | {0x5D, 0x5E, 0x09, 0x34}
"""This model has no such table or field; which code says so differs."""
DRIVE_ERRORS = frozenset({0x03, 0x04, 0x05, 0x06, 0x12, 0x14, 0x15, 0x2F, 0x30, 0x8F})
"""The fiscal drive, and not the printer around it, is what stops us."""

_R, _S, _F, _X = Reaction.RETRY, Reaction.LOOK, Reaction.MEND, Reaction.STOP

_WAIT = Remedy("wait, it is tried again", "подождите, попытка повторится")
_CALL = Remedy(
    "switch it off and on; if it stays, call the service of the registrar",
    "выключите и включите ККТ; если не помогло, вызовите сервис ККТ",
)
_PROGRAM = Remedy(
    "keep the flight recording and send it to the makers of the terminal's program",
    "сохраните запись обмена и передайте её разработчикам терминала",
)
_SUMS = Remedy(
    "have the sums and services of the payment checked",
    "проверьте суммы и услуги платежа в настройках терминала",
)
_SETTINGS = Remedy(
    "have tables 1 and 17 and the registration of the registrar compared with the terminal's settings",
    "сверьте таблицы 1 и 17 и регистрацию ККТ с настройками терминала",
)
_REPLACE = Remedy(
    "have the fiscal drive replaced and the registrar registered anew", "замените ФН и перерегистрируйте ККТ"
)
_REGISTER = Remedy("have the registrar registered with the tax service", "зарегистрируйте ККТ в ФНС")
_NETWORK = Remedy(
    "restore the network of the registrar and its link to the data operator",
    "восстановите связь ККТ с ОФД",
)
_CLOCK = Remedy(
    "compare the registrar's clock with the true time; it can be set while the shift is closed",
    "сверьте часы ККТ; установить их можно при закрытой смене",
)
_CONFIRM = Remedy("set and confirm date and time", "установите и подтвердите дату и время")
_CLOSE = Remedy("close the shift", "закройте смену")
_CANCEL = Remedy(
    "wait, it is cancelled; if it stays, cancel the open document by the registrar's own utility",
    "подождите, чек будет аннулирован; иначе аннулируйте его утилитой ККТ",
)
_PASSWORD = Remedy(
    "write the operator's password of table 2 into kassa.toml, registrar.password",
    "укажите в kassa.toml, registrar.password, пароль оператора из таблицы 2",
)
_PAPER = Remedy("put a new roll in and close the cover", "вставьте новый рулон и закройте крышку")
_CUTTER = Remedy("clear the paper's way and the cutter", "освободите тракт бумаги и отрезчик")
_POWER = Remedy("check the power supply and its cable", "проверьте блок питания и кабель")
_COOL = Remedy("let it cool down and check the air around it", "дайте ККТ остыть, проверьте вентиляцию")
_TECHNICIAN = Remedy(
    "call a technician: technical reset, then date and time",
    "вызовите техника: технологическое обнуление, затем дата и время",
)
_NUMBERS = Remedy(
    "call a technician: the numbers of shifts have to be brought together",
    "вызовите техника: требуется синхронизация номеров смен ККТ и ФН",
)
_OTHER = Remedy(
    "switch off what else uses the registrar, or give it the same operator's password",
    "отключите другие программы, работающие с ККТ, или задайте им тот же пароль",
)
_CASH = Remedy(
    "the registrar's cash counter is lower than what is taken out", "проверьте сумму наличности в ККТ"
)
_LOOK = Remedy(
    "look at the registrar's state; it is tried again", "проверьте состояние ККТ; попытка повторится"
)
_NONE = Remedy("nothing is to be done", "действий не требуется")


def _each(remedy: Remedy, *codes: int) -> dict[int, Remedy]:
    return dict.fromkeys(codes, remedy)


REMEDIES: dict[int, Remedy] = {
    **_each(_WAIT, 0x11, 0x20, 0x23, 0x24, 0x31, 0x32, 0x50, 0x58, 0x72, 0x93, 0xCE, 0xD1),
    **_each(_LOOK, 0x02, 0x3C, 0x3D, 0x55, 0x73),
    **_each(_NONE, 0x08, 0x34, 0x56),
    **_each(_CALL, 0x03, 0x04, 0x2F, 0x30, 0x38, 0x39, 0x77, 0x7B, 0xC8),
    **_each(_PROGRAM, 0x01, 0x09, 0x10, 0x5D, 0x5E, 0x7A, 0x7E, 0xC7),
    **_each(_SUMS, 0x41, 0x42, 0x43, 0x44, 0x45, 0x48, 0x4B, 0x4D, 0x5F, 0x60, 0x61, 0x62, 0x63, 0x8E, 0x94),
    **_each(
        _SETTINGS,
        0x33,
        0x35,
        0x36,
        0x37,
        0x90,
        0x91,
        0x92,
        *range(0xA0, 0xA6),
        0xAA,
        0xAC,
        *range(0xE0, 0xE5),
    ),
    **_each(_REPLACE, 0x05, 0x06, 0x12),
    **_each(_REGISTER, 0x8F),
    **_each(_NETWORK, 0x14, 0x15),
    **_each(_CLOCK, 0x07, 0x17),
    **_each(_CONFIRM, 0x7C, 0x7D, 0xC0),
    **_each(_CLOSE, 0x16, 0x4E, 0x96, *range(0x7F, 0x8E)),
    **_each(_CANCEL, 0x49, 0x4A),
    **_each(_PASSWORD, 0x4F),
    **_each(_PAPER, 0x6B),
    **_each(_CUTTER, 0x71),
    **_each(_POWER, 0x5C, 0xC2),
    **_each(_COOL, 0xC9, 0xCA),
    **_each(_TECHNICIAN, 0x74, 0x75, 0x78, 0x79),
    **_each(_NUMBERS, 0xC4),
    **_each(_OTHER, 0x59),
    **_each(_CASH, 0x46),
}

MEANINGS = {
    code: Meaning(english, russian, reaction, REMEDIES[code])
    for code, english, russian, reaction in (
        (0x01, "fiscal drive: unknown command", "ФН: неизвестная команда", _F),
        (0x02, "fiscal drive: another state is required", "ФН: неверное состояние", _S),
        (0x03, "fiscal drive failed", "ФН: отказ", _X),
        (0x04, "fiscal drive: crypto processor failed", "ФН: отказ криптопроцессора", _X),
        (0x05, "fiscal drive: its life is over", "ФН: срок эксплуатации истёк", _X),
        (0x06, "fiscal drive: archive is full", "ФН: архив переполнен", _X),
        (0x07, "wrong date or time", "ФН: неверные дата или время", _S),
        (0x08, "no such data", "ФН: нет запрошенных данных", _S),
        (0x09, "wrong parameter value", "ФН: некорректное значение параметра", _F),
        (0x10, "data of a tag are too long", "ФН: размер данных TLV превышен", _F),
        (0x11, "no connection with the OFD", "ФН: нет транспортного соединения", _R),
        (0x12, "fiscal drive: its resource is over", "ФН: исчерпан ресурс", _X),
        (0x14, "no room for unsent documents, restore the OFD link", "ФН: переполнено хранилище для ОФД", _X),
        (0x15, "documents wait too long, restore the OFD link", "ФН: истекло время ожидания ОФД", _X),
        (0x16, "the shift lasts more than 24 hours", "ФН: смена более 24 часов", _S),
        (0x17, "time between documents disagrees with the drive's timer", "ФН: неверная разница времени", _S),
        (0x20, "the OFD's message was not accepted", "ФН: сообщение ОФД не принято", _R),
        (0x23, "the key server refused", "ФН: сервер обновления ключей", _R),
        (0x24, "the key server does not answer", "ФН: сервер обновления ключей не отвечает", _R),
        (0x2F, "fiscal drive: time-out", "Тайм-аут обмена с ФН", _X),
        (0x30, "fiscal drive does not answer", "ФН не отвечает", _X),
        (0x31, "link to the fiscal drive: format", "Ошибка формата обмена с ФН", _R),
        (0x32, "link to the fiscal drive: checksum", "Ошибка CRC обмена с ФН", _R),
        (0x33, "wrong parameters in the command", "Некорректные параметры в команде", _F),
        (0x34, "no data", "Нет данных", _S),
        (0x35, "wrong with these settings", "Некорректный параметр при данных настройках", _F),
        (0x36, "not for this model", "Команда не поддерживается в данной модели", _F),
        (0x37, "command is not supported", "Команда не поддерживается", _F),
        (0x38, "memory error", "Ошибка в ПЗУ", _X),
        (0x39, "internal software error", "Внутренняя ошибка ПО", _X),
        (0x3C, "impossible with this shift state", "Смена открыта: операция невозможна", _S),
        (0x3D, "impossible with this shift state", "Смена не открыта: операция невозможна", _S),
        (0x41, "the cash sum overflows", "Переполнение диапазона оплаты наличными", _F),
        (0x42, "the sum of payment type 2 overflows", "Переполнение диапазона оплаты типом 2", _F),
        (0x43, "the sum of payment type 3 overflows", "Переполнение диапазона оплаты типом 3", _F),
        (0x44, "the sum of payment type 4 overflows", "Переполнение диапазона оплаты типом 4", _F),
        (0x45, "payments are less than the total", "Сумма оплат меньше итога чека", _F),
        (0x46, "not enough cash in the drawer", "Не хватает наличности в кассе", _F),
        (0x48, "the receipt's total overflows", "Переполнение итога чека", _F),
        (0x49, "impossible in this open receipt", "Операция невозможна в открытом чеке данного типа", _S),
        (0x4A, "a receipt is open", "Открыт чек, операция невозможна", _S),
        (0x4B, "the receipt's buffer overflows", "Буфер чека переполнен", _F),
        (0x4D, "cashless sum exceeds the total", "Безналичная сумма больше суммы чека", _F),
        (0x4E, "the shift lasts more than 24 hours", "Смена превысила 24 часа", _S),
        (0x4F, "wrong password", "Неверный пароль", _X),
        (0x50, "results of the previous command are being printed", "Идёт печать предыдущей команды", _R),
        (0x55, "the receipt is closed", "Чек закрыт, операция невозможна", _S),
        (0x56, "nothing to repeat", "Нет документа для повтора", _S),
        (0x58, "waits for the command to continue printing", "Ожидание команды продолжения печати", _S),
        (0x59, "the document was opened by another operator", "Документ открыт другим оператором", _S),
        (0x5C, "supply voltage is low", "Понижено напряжение", _X),
        (0x5D, "no such table", "Таблица не определена", _F),
        (0x5E, "wrong operation", "Неверная операция", _F),
        (0x5F, "negative total", "Отрицательный итог чека", _F),
        (0x60, "overflow in a multiplication", "Переполнение при умножении", _F),
        (0x61, "price out of range", "Переполнение диапазона цены", _F),
        (0x62, "quantity out of range", "Переполнение диапазона количества", _F),
        (0x63, "department out of range", "Переполнение диапазона отдела", _F),
        (0x6B, "no receipt paper", "Нет чековой ленты", _X),
        (0x71, "the cutter failed", "Ошибка отрезчика", _X),
        (0x72, "not in this submode", "Команда не поддерживается в данном подрежиме", _S),
        (0x73, "not in this mode", "Команда не поддерживается в данном режиме", _S),
        (0x74, "memory failed", "Ошибка ОЗУ", _X),
        (0x75, "power supply failed", "Ошибка питания", _X),
        (0x77, "no signal of a sensor", "Печатающий механизм: нет сигнала датчика", _X),
        (0x78, "the software was replaced", "Замена ПО", _X),
        (0x79, "the clock failed", "Неисправность часов", _X),
        (0x7A, "the field cannot be edited", "Поле не редактируется", _F),
        (0x7B, "hardware error", "Ошибка оборудования", _X),
        (0x7C, "the date differs", "Не совпадает дата", _F),
        (0x7D, "wrong format of the date", "Неверный формат даты", _F),
        (0x7E, "wrong value in the length field", "Неверное значение в поле длины", _F),
        (0x7F, "a total overflows", "Переполнение диапазона итога чека", _S),
        (0x80, "a total of the shift overflows", "Переполнение диапазона итога смены", _S),
        (0x81, "a total of the shift overflows", "Переполнение диапазона итога смены", _S),
        (0x82, "a total of the shift overflows", "Переполнение диапазона итога смены", _S),
        (0x83, "a total of the shift overflows", "Переполнение диапазона итога смены", _S),
        (0x84, "the cash in the drawer overflows", "Переполнение наличности", _S),
        (0x85, "a total of sales overflows", "Переполнение итога продаж за смену", _S),
        (0x86, "a total of purchases overflows", "Переполнение итога покупок за смену", _S),
        (0x87, "a total of returned sales overflows", "Переполнение итога возвратов продаж за смену", _S),
        (
            0x88,
            "a total of returned purchases overflows",
            "Переполнение итога возвратов покупок за смену",
            _S,
        ),
        (0x89, "a total of cash-ins overflows", "Переполнение итога внесений за смену", _S),
        (0x8A, "a total of surcharges overflows", "Переполнение итога надбавок", _S),
        (0x8B, "a total of discounts overflows", "Переполнение итога скидок", _S),
        (0x8C, "a total of the shift overflows", "Переполнение диапазона итога смены", _S),
        (0x8D, "a total of the shift overflows", "Переполнение диапазона итога смены", _S),
        (0x8E, "zero total", "Нулевой итог чека", _F),
        (0x8F, "not fiscalised", "ККТ не фискализирована", _X),
        (
            0x90,
            "a field is wider than the print settings allow",
            "Поле превышает размер, заданный в настройках",
            _F,
        ),
        (0x91, "a field is outside of the printed line", "Выход за границу поля печати", _F),
        (0x92, "fields overlap in print", "Наложение полей", _F),
        (0x93, "memory was recovered", "Восстановление данных", _R),
        (0x94, "too many operations in the receipt", "Исчерпан лимит операций в чеке", _F),
        (0x96, "the shift must be closed first", "Требуется закрытие смены", _S),
        (0xA0, "marked goods: no link to the check", "Маркировка: нет связи с сервером", _F),
        (0xA1, "marked goods: no answer", "Маркировка: нет ответа", _F),
        (0xA2, "marked goods: wrong format", "Маркировка: неверный формат", _F),
        (0xA3, "marked goods: wrong code", "Маркировка: неверный код", _F),
        (0xA4, "marked goods: wrong order of commands", "Маркировка: неверный порядок команд", _F),
        (0xA5, "marked goods: no room", "Маркировка: нет места", _F),
        (0xAA, "marked goods: the check failed", "Маркировка: проверка не выполнена", _F),
        (0xAC, "marked goods: the code was not checked", "Маркировка: код не проверен", _F),
        (0xC0, "date and time must be confirmed", "Подтвердите дату и время", _S),
        (0xC2, "supply voltage is high", "Превышение напряжения", _X),
        (0xC4, "shift numbers of registrar and drive differ", "Номера смен ККТ и ФН не совпадают", _X),
        (0xC7, "the field cannot be edited in this mode", "Поле не редактируется в данном режиме", _F),
        (0xC8, "no link to the printer", "Нет связи с принтером", _X),
        (0xC9, "the head is overheated", "Перегрев головки", _R),
        (0xCA, "the head's temperature is out of range", "Температура вне условий эксплуатации", _R),
        (0xCE, "the limit of a memory is reached", "Превышение лимита памяти", _R),
        (0xD1, "the print buffer is empty", "Буфер печати пуст", _R),
        (0xE0, "its own bill acceptor: no link", "Купюроприёмник ККТ: нет связи", _F),
        (0xE1, "its own bill acceptor is busy", "Купюроприёмник ККТ занят", _F),
        (0xE2, "its own bill acceptor: sums differ", "Купюроприёмник ККТ: итог чека не соответствует", _F),
        (0xE3, "its own bill acceptor failed", "Купюроприёмник ККТ: ошибка", _F),
        (0xE4, "its own bill acceptor: sum is not zero", "Купюроприёмник ККТ: итог не нулевой", _F),
    )
}


def meaning(code: int) -> Meaning:
    """The meaning of `code`; an unknown one asks for the status first and says its number."""
    return MEANINGS.get(code) or Meaning("unknown error", "Неизвестная ошибка", Reaction.LOOK, _LOOK)
