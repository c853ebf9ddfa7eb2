"""What the core answers about its staff, and what only some of them may ask."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from kassa import staff
from kassa.config import Config
from kassa.control.server import Answer
from kassa.fiscal.doubt import FoundDocument
from kassa.fiscal.late import owed_fields
from kassa.home import Home
from kassa.journal.store import Journal
from kassa.terminal import Terminal
from kassa.untrusted import whole_number


class StaffAsks:
    """The staff of one running terminal; `answers` is for the control server."""

    def __init__(
        self, config: Config, home: Home, journal: Journal, terminal: Terminal, admission: staff.Admission
    ) -> None:
        self._config, self._home, self._journal = config, home, journal
        self._terminal, self._admission = terminal, admission
        self.answers: Mapping[str, Answer] = {
            "staff_add": self._add,
            "staff_pin": self._change_pin,
            "staff_remove": self._remove,
            "payment_settle": self._settle_payment,
            "payment_found": self._find_document,
            "payment_missing": self._exclude_document,
        }

    async def _add(self, values: Mapping[str, str]) -> Any:
        pin = await self._hashed(values)
        person = staff.add(self._home, self._journal, values.get("name", ""), values.get("role", ""), pin)
        return staff.fields(person)

    async def _change_pin(self, values: Mapping[str, str]) -> Any:
        pin = await self._hashed(values)
        return staff.fields(staff.change_pin(self._home, self._journal, values.get("name", ""), pin))

    async def _remove(self, values: Mapping[str, str]) -> Any:
        return staff.fields(staff.remove(self._home, self._journal, values.get("name", "")))

    async def _hashed(self, values: Mapping[str, str]) -> str:
        """A hash takes its time, and notes do not wait for it."""
        return await asyncio.to_thread(staff.hashed, values.get("pin", ""), self._config.terminal.number)

    async def _find_document(self, values: Mapping[str, str]) -> Any:
        by = await self._admit(values)
        number, sign, shift = (
            whole_number(values.get(key, "")) or 0 for key in ("document", "sign", "shift")
        )
        found = FoundDocument(number, sign, values.get("at", ""), shift)
        payment, reason = values.get("payment", ""), values.get("reason", "")
        document = self._terminal.find_document(payment, found, by.name, reason, by.role)
        return {"payment": payment, "document": document.number, "total": document.total.decimal()}

    async def _exclude_document(self, values: Mapping[str, str]) -> Any:
        by = await self._admit(values)
        payment, reason = values.get("payment", ""), values.get("reason", "")
        excluded = self._terminal.exclude_document(payment, by.name, reason, by.role)
        is_any = self._config.registrar.late_receipt == "any_shift"
        return owed_fields(excluded, self._config.terminal.currency, is_any_shift_right=is_any)

    async def _settle_payment(self, values: Mapping[str, str]) -> Any:
        by = await self._admit(values)
        payment, document, act, reason = (
            values.get(key, "") for key in ("payment", "document", "act", "reason")
        )
        decided = self._terminal.decide_late_document(payment, document, act, by.name, reason, by.role)
        return owed_fields(decided, self._config.terminal.currency, is_any_shift_right=False)

    async def _admit(self, values: Mapping[str, str]) -> staff.Person:
        """Who says what becomes of a payment's document. Raises NotAdmitted."""
        return await self._admission.admit(values.get("by", ""), values.get("pin", ""), staff.SETTLE_DOCUMENT)
