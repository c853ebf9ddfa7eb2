"""What the registrar's error codes mean, and what a host can do about each.

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
class Meaning:
    """An error code in words, in the language of staff abroad and as the registrar itself would say it."""

    english: str
    russian: str
    reaction: Reaction


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
DRIVE_ERRORS = frozenset({0x03, 0x04, 0x05, 0x06, 0x12, 0x14, 0x15, 0x2F, 0x30, 0x8F})
"""The fiscal drive, and not the printer around it, is what stops us."""

_R, _S, _F, _X = Reaction.RETRY, Reaction.LOOK, Reaction.MEND, Reaction.STOP

MEANINGS = {
    code: Meaning(english, russian, reaction)
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
        (0x8E, "zero total", "Нулевой итог чека", _F),
        (0x8F, "not fiscalised", "ККТ не фискализирована", _X),
        (0x93, "memory was recovered", "Восстановление данных", _R),
        (0x94, "too many operations in the receipt", "Исчерпан лимит операций в чеке", _F),
        (0x96, "the shift must be closed first", "Требуется закрытие смены", _S),
        (0xC0, "date and time must be confirmed", "Подтвердите дату и время", _S),
        (0xC2, "supply voltage is high", "Превышение напряжения", _X),
        (0xC4, "shift numbers of registrar and drive differ", "Номера смен ККТ и ФН не совпадают", _X),
        (0xC7, "the field cannot be edited in this mode", "Поле не редактируется в данном режиме", _F),
        (0xC8, "no link to the printer", "Нет связи с принтером", _X),
        (0xC9, "the head is overheated", "Перегрев головки", _R),
        (0xCA, "the head's temperature is out of range", "Температура вне условий эксплуатации", _R),
    )
}


def meaning(code: int) -> Meaning:
    """The meaning of `code`; an unknown one asks for the status first and says its number."""
    return MEANINGS.get(code) or Meaning("unknown error", "Неизвестная ошибка", Reaction.LOOK)
