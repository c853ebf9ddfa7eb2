"""`kassa journal`: is it whole, and what does it say of a payment?"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import click
import msgspec

from kassa.cli.context import Context, pass_context
from kassa.cli.journal_access import open_journal
from kassa.config import load
from kassa.contact import masked
from kassa.errors import KassaError
from kassa.journal.records import PaymentRecord, StoryLine
from kassa.journal.tables import JournalBroken
from kassa.journal.verify import Verdict, broken
from kassa.journal.verify import verify as verify_all
from kassa.journal.words import in_words
from kassa.money import Money
from kassa.words import counted

MONEY_FIELDS = frozenset({"value", "total"})
"""Entries hold minor units; to machines, too, money is told as a decimal string."""


@click.group()
def journal() -> None:
    """The terminal's durable truth."""


@journal.command()
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@pass_context
def verify(context: Context, as_json: bool) -> None:
    """Check every page, the whole chain and all tables; exit code 1 when the journal is not what it was."""
    try:
        with open_journal(context) as found:
            verdict = verify_all(found)
    except JournalBroken as error:
        verdict = broken(error)
    click.echo(msgspec.json.encode(verdict).decode() if as_json else _verdict_in_words(verdict))
    raise SystemExit(0 if verdict.ok else 1)


def _verdict_in_words(verdict: Verdict) -> str:
    if not verdict.ok:
        return f"BROKEN: {verdict.problem}\nKeep all files of the journal's folder as they are and ask for support."
    return (
        f"whole: {counted(verdict.entries, 'entry', 'entries')}, {counted(verdict.payments, 'payment')}, {counted(verdict.notes, 'note')} in the cassette,"
        f" {counted(verdict.documents, 'document')}, {counted(verdict.batches, 'batch', 'batches')}\nhead: {verdict.head}"
    )


@journal.command()
@click.argument("payment")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@pass_context
def show(context: Context, payment: str, as_json: bool) -> None:
    """Tell the whole story of PAYMENT, a number like 00042-0000000001."""
    currency = load(context.home.config).terminal.currency
    with open_journal(context) as found:
        record, story = found.payment(payment), found.story(payment)
    if record is None:
        raise KassaError(f"the journal knows no payment {payment!a}; see: kassa payments list")
    if as_json:
        answer = {
            **payment_fields(record, currency),
            "story": [_line_fields(line, currency) for line in story],
        }
        click.echo(json.dumps(answer, ensure_ascii=False))
        return
    for line in story:
        click.echo(f"{line.at}  {line.seq:>8}  {in_words(line.entry, currency)}")


def payment_fields(record: PaymentRecord, currency: str) -> dict[str, Any]:
    """A payment for JSON; money is a decimal string, `document`, `sign` and `printed` are null until there is one."""
    document = record.document
    return {
        "payment": record.number,
        "service": record.service,
        "account": record.account,
        "paid": Money(record.paid, currency).decimal(),
        "state": record.state,
        "reason": record.reason,
        "opened_at": record.opened_at,
        "credited_at": record.credited_at,
        "document": document.number if document else None,
        "sign": document.sign if document else None,
        "owed": record.owed and document is None,
        "printed": document.printed if document else None,
        "copies": record.copies,
        "batch": record.batch_name,
        "notes": [
            {**asdict(note), "value": None if note.value is None else Money(note.value, currency).decimal()}
            for note in record.notes
        ],
    }


def _line_fields(line: StoryLine, currency: str) -> dict[str, Any]:
    """An entry for JSON; `at` is when it was written, `document_at` what the registrar's clock said."""
    fields = msgspec.to_builtins(line.entry)
    if "at" in fields:
        fields["document_at"] = fields.pop("at")
    if fields.get("contact") is not None:
        fields["contact"] = masked(fields["contact"])
    for name in MONEY_FIELDS & fields.keys():
        if fields[name] is not None:
            fields[name] = Money(fields[name], currency).decimal()
    return {"seq": line.seq, "at": line.at, **fields}
