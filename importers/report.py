"""The report that lies beside a file: `NAME.report.txt` for people, `NAME.report.json` for machines."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec

from importers.rows import VALUE_SHOWN, Findings
from importers.words import SENTENCES, Language, Unusable, say
from kassa.files import write_durably
from kassa.importing import Outcome
from kassa.money import MINOR_DIGITS
from kassa.untrusted import printable

ROWS_SHOWN = 50
"""Bad rows in the report for people: what a clerk reads before calling somebody."""

REPORTS_KEPT = 200
"""Reports in a folder of reports; the oldest go first."""

TEXT_SUFFIX = ".report.txt"
MACHINE_SUFFIX = ".report.json"

NAME_MAX_BYTES = 200
"""Of a report's name before its suffix: file systems allow 255 in all."""


@dataclass(frozen=True)
class Report:
    """All that is told about one file."""

    outcome: Outcome
    findings: Findings
    refusal: Unusable | None
    currency: str
    as_of: datetime | None
    as_of_is_certain: bool


def report_path(folder: Path, name: str) -> Path:
    """Where the report for people lies; `name` is the file's, printable."""
    return folder / (name.replace("/", "_").encode()[:NAME_MAX_BYTES].decode("utf-8", "ignore") + TEXT_SUFFIX)


def write_report(folder: Path, report: Report, language: Language) -> Path:
    """Write both reports into `folder` and give the path of the one for people. Raises OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = report_path(folder, report.outcome.file)
    with write_durably(path.with_name(path.name.removesuffix(TEXT_SUFFIX) + MACHINE_SUFFIX)) as file:
        file.write(msgspec.json.format(msgspec.json.encode(_as_data(report)), indent=1))
    with write_durably(path) as file:
        file.write(as_text(report, language).encode())
    return path


def prune_reports(folder: Path) -> None:
    """Keep the newest REPORTS_KEPT reports of a folder."""
    for suffix in (TEXT_SUFFIX, MACHINE_SUFFIX):
        paths = sorted(folder.glob(f"*{suffix}"), key=lambda path: path.stat().st_mtime_ns)
        for path in paths[:-REPORTS_KEPT]:
            path.unlink(missing_ok=True)


def first_sentence(report: Report, language: Language) -> str:
    """Taken or refused, and why."""
    outcome = report.outcome
    if report.refusal is not None:
        return say(language, "refused", reason=report.refusal)
    if outcome.already_loaded:
        return say(language, "taken_already")
    code = "would_take" if outcome.checked_only else "taken"
    return say(language, code, accepted=outcome.accepted, accounts=outcome.accounts)


def as_text(report: Report, language: Language) -> str:
    """The report for people."""
    outcome, findings = report.outcome, report.findings
    lines = [first_sentence(report, language), ""]

    def tell(heading: str, value: object) -> None:
        lines.append(f"{say(language, heading)}: {value}")

    tell("head_file", outcome.file)
    tell("head_profile", outcome.profile)
    if outcome.sha256:
        tell("head_sha256", outcome.sha256)
    if findings.encoding:
        tell("head_encoding", findings.encoding)
    if report.as_of:
        tell(
            "head_as_of" if report.as_of_is_certain else "head_as_of_file",
            report.as_of.strftime("%d.%m.%Y %H:%M:%S %z"),
        )
    if findings.rows:
        tell("head_rows", findings.rows)
        tell("head_accepted", outcome.accepted)
        tell("head_refused", outcome.refused)
        tell("head_accounts", outcome.accounts)
    if outcome.total is not None:
        tell("head_total", f"{outcome.total} {report.currency}")
    if "count" in findings.control:
        found = findings.rows if findings.records is None else findings.records
        tell("head_count_control", f"{_declared(findings, 'count')} / {found}")
    if "sum" in findings.control:
        tell("head_sum_control", f"{_declared(findings, 'sum')} / {file_sum(findings, report.currency)}")
    if outcome.difference is not None:
        tell("head_difference", say(language, "difference", **msgspec.structs.asdict(outcome.difference)))
    _tell_counts(
        lines, "head_fixes", {code: count for code, count in findings.fixes.items() if count}, language
    )
    _tell_counts(lines, "head_reasons", dict(findings.bad.most_common()), language)
    if findings.bad_rows:
        lines += ["", f"{say(language, 'head_bad_rows')}:"]
        for row in sorted(findings.bad_rows, key=lambda row: row.line)[:ROWS_SHOWN]:
            lines.append("  " + row.as_words().say(language))
        if (more := findings.bad_total - ROWS_SHOWN) > 0:
            lines.append("  " + say(language, "more_bad_rows", count=more))
    return "\n".join(lines) + "\n"


def file_sum(findings: Findings, currency: str) -> str:
    """The sum over all rows in the file's own sign, as a decimal string."""
    return decimal(findings.file_minor, currency)


def decimal(minor: int, currency: str) -> str:
    """A sum of many accounts as a decimal string; it may exceed what one Money may hold."""
    whole, rest = divmod(abs(minor), 10 ** MINOR_DIGITS[currency])
    return f"{'-' if minor < 0 else ''}{whole}" + (
        f".{rest:0{MINOR_DIGITS[currency]}}" if MINOR_DIGITS[currency] else ""
    )


def _declared(findings: Findings, name: str) -> str:
    """What the file says of itself: read or not, it stands in the report."""
    return printable(findings.control[name][:VALUE_SHOWN])


def _tell_counts(lines: list[str], heading: str, counts: dict[str, int], language: Language) -> None:
    if not counts:
        return
    lines += ["", f"{say(language, heading)}:"]
    general = {code: f"{code}_any" if f"{code}_any" in SENTENCES else code for code in counts}
    lines += [f"  {say(language, general[code])}: {count}" for code, count in counts.items()]


def _as_data(report: Report) -> dict[str, object]:
    """The report for machines: the outcome with everything that was found, in English."""
    findings = report.findings
    return {
        **msgspec.structs.asdict(report.outcome),
        "code": report.refusal.code if report.refusal else None,
        "encoding": findings.encoding,
        "rows": findings.rows,
        "control": findings.control,
        "fixes": dict(findings.fixes),
        "reasons": dict(findings.bad),
        "bad_rows": [
            {
                "line": row.line,
                "column": row.column,
                "value": printable(row.value),
                "code": row.reason,
                "reason": say("en", row.reason, **row.values),
            }
            for row in sorted(findings.bad_rows, key=lambda row: row.line)
        ],
    }
