"""What the error codes of ATOL's driver mean, and what a host and a person can do about each.

Source: the codes of the vendor's driver, version 10 (`LIBFPTR_ERROR_*`), as open clients of it list them.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Reaction(enum.Enum):
    """What the one who got an error does next: in the words for staff abroad, and for staff in Russia."""

    RETRY = "it passes by itself, mostly", "обычно проходит само"
    LOOK = "the next look at it decides", "решит следующий опрос"
    CABLE = "check its power and cable", "проверьте питание и кабель"
    PAPER = "put paper in and close the cover", "вставьте бумагу и закройте крышку"
    CLOCK = "set its clock while the shift is closed", "выставьте часы при закрытой смене"
    MEND = "mend the settings of the service or of the registrar", "исправьте настройки услуги или ККТ"
    DRIVE = "a technician has to look at the fiscal drive", "вызовите техника: фискальный накопитель"
    STOP = "call a technician", "вызовите техника"

    def __init__(self, english: str, russian: str) -> None:
        self.english, self.russian = english, russian


@dataclass(frozen=True, slots=True)
class Meaning:
    """An error code in words, and who does what about it."""

    english: str
    russian: str
    reaction: Reaction


NO_PAPER, COVER_OPEN, BUSY = 44, 45, 55
NOT_CONNECTED, NO_LINK, PORT_BUSY, PORT_GONE = 1, 2, 3, 4
NOT_SUPPORTED, SHIFT_EXPIRED, SHIFT_IS_CLOSED, SHIFT_IS_OPEN = 11, 68, 73, 83
NO_MORE_DATA, DRIVE_SHIFT_EXPIRED, TASK_IS_WRONG = 123, 141, 501
NO_SUCH_DATA = frozenset({NOT_SUPPORTED, NO_MORE_DATA})
PAPER_ERRORS = frozenset({NO_PAPER, COVER_OPEN})
LINK_ERRORS = frozenset({NOT_CONNECTED, NO_LINK, PORT_BUSY, PORT_GONE, 241})
"""The driver does not reach the device: what became of a task is not known."""
INTERRUPTED = frozenset({32, 44, 45, 151, 173, 174, 175, 176, 177, 178})
"""Something stands half printed; the task to continue printing ends it."""
PROPERTY_REFUSED = frozenset({148, 158})
"""A tag that this firmware takes from its registration only."""
SHIFT_OVER = frozenset({SHIFT_EXPIRED, DRIVE_SHIFT_EXPIRED})
DRIVE_ERRORS = frozenset({117, 118, 119, 120, 121, 136, 137, 139, 166})
CLOCK_ERRORS = frozenset({29, 35, 36, 122, 142, 179, 218})
PASSING = frozenset({BUSY, SHIFT_IS_CLOSED, SHIFT_IS_OPEN, 81, 82, 178, 203}) | INTERRUPTED | SHIFT_OVER
"""Refusals that the next look at the device explains."""

_R = Reaction

MEANINGS = {
    code: Meaning(english, russian, reaction)
    for code, english, russian, reaction in (
        (1, "no connection is established", "Соединение не установлено", _R.CABLE),
        (2, "no link to the device", "Нет связи", _R.CABLE),
        (3, "the port is busy", "Порт занят", _R.RETRY),
        (4, "the port is not available", "Порт недоступен", _R.CABLE),
        (5, "wrong data from the device", "Некорректные данные от устройства", _R.RETRY),
        (8, "a parameter is missing", "Не указан обязательный параметр", _R.MEND),
        (11, "not supported by this device", "Не поддерживается", _R.MEND),
        (12, "not possible in this mode", "Неверный режим", _R.LOOK),
        (15, "an error that the driver does not know", "Неизвестная ошибка", _R.LOOK),
        (26, "the device does not know the command", "Неверная команда", _R.MEND),
        (27, "the command has a wrong length", "Неверная длина", _R.MEND),
        (29, "date and time must be confirmed", "Подтвердите дату и время", _R.CLOCK),
        (32, "blocked until an interrupted report is finished", "Прерванный отчёт не завершён", _R.PAPER),
        (34, "the mode is blocked", "Режим заблокирован", _R.STOP),
        (35, "date and time must be checked", "Проверьте дату и время", _R.CLOCK),
        (36, "its clock is behind the fiscal drive", "Дата и время ККТ меньше даты в ФН", _R.CLOCK),
        (44, "no paper", "Нет бумаги", _R.PAPER),
        (45, "the cover is open", "Открыта крышка", _R.PAPER),
        (46, "the printer failed", "Нет связи с принтером чеков", _R.STOP),
        (47, "the printer's mechanics failed", "Механическая ошибка печатающего устройства", _R.STOP),
        (54, "the payments overflow", "Переполнение буфера оплат", _R.MEND),
        (55, "the device is busy", "Устройство занято", _R.RETRY),
        (62, "denied by the device's settings", "Запрещено настройками", _R.MEND),
        (66, "the receipt is not fully paid", "Чек оплачен не полностью", _R.MEND),
        (68, "the shift lasts more than 24 hours", "Смена превысила 24 часа", _R.LOOK),
        (71, "wrong password", "Неверный пароль", _R.STOP),
        (73, "not possible in a closed shift", "Недопустимо при закрытой смене", _R.LOOK),
        (79, "the change cannot be counted", "Сдача невозможна", _R.MEND),
        (80, "not enough cash in the drawer", "Недостаточно наличных в кассе", _R.MEND),
        (81, "not possible without an open receipt", "Недопустимо при закрытом чеке", _R.LOOK),
        (82, "not possible in an open receipt", "Недопустимо при открытом чеке", _R.LOOK),
        (83, "not possible in an open shift", "Недопустимо при открытой смене", _R.LOOK),
        (89, "the device is not activated", "ККТ не активирована", _R.STOP),
        (95, "a full reset is needed", "Необходимо полное обнуление", _R.STOP),
        (96, "a licence is missing", "Нет лицензии", _R.STOP),
        (98, "the shift cannot be closed", "Закрытие невозможно", _R.STOP),
        (105, "call technical support", "Обратитесь в техподдержку", _R.STOP),
        (106, "shift numbers of device and drive differ", "Номера смен ККТ и ФН различаются", _R.STOP),
        (107, "the device is not found", "Устройство не найдено", _R.CABLE),
        (114, "the head is overheated", "Перегрев печатающей головки", _R.RETRY),
        (115, "exchange with the fiscal drive failed", "Ошибка обмена с ФН", _R.RETRY),
        (117, "the fiscal drive is in another state", "Неверное состояние ФН", _R.DRIVE),
        (118, "the fiscal drive failed", "Неисправность ФН", _R.DRIVE),
        (119, "the fiscal drive's crypto processor failed", "Неисправность КС ФН", _R.DRIVE),
        (120, "the fiscal drive's life is over", "Исчерпан срок эксплуатации ФН", _R.DRIVE),
        (121, "the fiscal drive's archive is full", "Архив ФН переполнен", _R.DRIVE),
        (122, "wrong date or time for the fiscal drive", "ФН: неверные дата или время", _R.CLOCK),
        (123, "the fiscal drive has no such data", "ФН: нет запрошенных данных", _R.LOOK),
        (135, "no transport to the data operator", "Нет транспортного соединения с ОФД", _R.RETRY),
        (136, "the drive's keys have expired", "Исчерпан ресурс ключей ФН", _R.DRIVE),
        (137, "the drive's resource is exhausted", "Исчерпан ресурс хранения ФН", _R.DRIVE),
        (139, "documents wait too long for the data operator", "Не переданы документы в ОФД", _R.DRIVE),
        (140, "the fiscal drive did not answer in time", "Тайм-аут обмена с ФН", _R.RETRY),
        (141, "the shift lasts more than 24 hours", "ФН: смена более 24 часов", _R.LOOK),
        (142, "its clock and the fiscal drive's differ", "ФН: неверная разница времени", _R.CLOCK),
        (143, "not registered for this tax system", "СНО не разрешена при регистрации", _R.MEND),
        (144, "the tax rate is not known to it", "Неверный тип налога", _R.MEND),
        (148, "a property could not be written", "Ошибка записи реквизита", _R.MEND),
        (150, "the cutter failed", "Ошибка отрезчика", _R.STOP),
        (151, "a report was interrupted", "Печать отчёта прервана", _R.PAPER),
        (158, "a property is denied", "Реквизит не разрешён", _R.MEND),
        (161, "a mandatory property is missing", "Нет обязательного реквизита", _R.MEND),
        (165, "hardware error", "Аппаратная ошибка", _R.STOP),
        (166, "there is no fiscal drive", "ФН не подключён", _R.DRIVE),
        (167, "the agent's properties are wrong", "Неверный реквизит агента", _R.MEND),
        (172, "no operator is logged in", "Нет активного кассира", _R.MEND),
        (173, "the registration was interrupted", "Прервана регистрация", _R.PAPER),
        (174, "the drive's closing was interrupted", "Прервано закрытие ФН", _R.PAPER),
        (175, "the opening of the shift was interrupted", "Прервано открытие смены", _R.PAPER),
        (176, "the exchange report was interrupted", "Прерван отчёт об обмене с ОФД", _R.PAPER),
        (177, "the closing of the receipt was interrupted", "Прервано закрытие чека", _R.PAPER),
        (178, "a query of the drive was interrupted", "Прерван запрос к ФН", _R.RETRY),
        (179, "its clock failed", "Ошибка часов ККТ", _R.CLOCK),
        (188, "it waits for a restart", "ККТ ожидает перезагрузки", _R.STOP),
        (190, "wrong version of the document format", "Неверная версия ФФД", _R.MEND),
        (195, "properties exclude each other", "Недопустимое сочетание реквизитов", _R.MEND),
        (196, "the operator could not be logged in", "Ошибка регистрации кассира", _R.MEND),
        (200, "a document is open", "Документ открыт", _R.LOOK),
        (201, "the document is closed", "Документ закрыт", _R.LOOK),
        (203, "the open document must be cancelled", "Необходимо отменить документ", _R.LOOK),
        (218, "the clock must be synchronised", "Необходима синхронизация времени", _R.CLOCK),
        (227, "the total is wrong", "Неверный итог чека", _R.MEND),
        (241, "the connection was lost", "Соединение разорвано", _R.CABLE),
        (243, "the sum of a tax is wrong", "Неверная сумма налога", _R.MEND),
        (249, "the document was cancelled", "Документ аннулирован", _R.LOOK),
        (269, "the model is not supported", "Модель не поддерживается", _R.STOP),
        (277, "no print service", "Нет службы печати", _R.STOP),
        (501, "the task cannot be read", "Ошибка разбора задания", _R.MEND),
        (502, "an earlier task of the request failed", "Прервано из-за предыдущих ошибок", _R.LOOK),
        (503, "the driver's script failed", "Ошибка выполнения скрипта", _R.STOP),
        (601, "remote server: no connection", "Удалённый сервер: нет связи", _R.RETRY),
        (602, "remote server: error", "Удалённый сервер: ошибка", _R.RETRY),
        (603, "remote server: wrong answer", "Удалённый сервер: неверный ответ", _R.RETRY),
    )
}


def meaning(code: int) -> Meaning:
    """The meaning of `code`; an unknown one is looked at and says its number."""
    return MEANINGS.get(code) or Meaning("unknown error", "Неизвестная ошибка", Reaction.LOOK)
