"""What became of each mutant: read from what mutmut left in `mutants/`, and sorted by what the change can mean."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

from mutmut.mutation.data import MutantLineSpans, SourceFileMutationData
from mutmut.stats import status_by_exit_code
from mutmut.utils.format_utils import orig_function_and_class_names_from_key

_SQL = re.compile(r"\s*(AND|BEGIN|COMMIT|CREATE|DELETE|INSERT|ORDER|PRAGMA|ROLLBACK|SELECT|UPDATE|WHERE)\b")
_SQL_PIECE = re.compile(r"('[^']*')")
_SENTENCES = {
    "one": slice(1, 2),
    "_require": slice(1, 3),
    "_in_words": slice(1),
    "_InWords": slice(1, 2),
    "_explained": slice(1),
    "_fail": slice(1),
}
"""Functions of the journal that take words for the reader of an error, and where these stand."""
_ERROR = re.compile(r"[A-Z]\w*(Error|Failed|Broken|Refused|Full)")
"""What our errors are called; the first argument is what the reader gets, the rest is for machines."""
_SQL_NAMES = {"next_of", "backup"}
"""Functions that take names of databases, tables and columns."""


class Verdict(StrEnum):
    """What counts is killed and timed out against these and survived; the last two are told apart and not tried."""

    KILLED = "killed"
    TIMED_OUT = "timeout"
    SURVIVED = "survived"
    UNTRIED = "untried"
    """Of a run that was cut short."""
    WORDING = "wording"
    """Only the words of an error or of a log line changed: people read them, tests do not pin them."""
    SAME_SQL = "same sql"
    """Only the case of an SQL keyword or name changed, which means nothing to SQLite."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change of one function, as a person would tell of it."""

    name: str
    where: str
    was: str
    became: str
    verdict: Verdict

    @property
    def key(self) -> tuple[str, str, str]:
        """What stays the same when lines and other mutants come and go."""
        return self.where, self.was, self.became


def mutants_of(source: Path) -> Iterator[Mutant]:
    """Every mutant of a source file; run in the folder where mutmut ran."""
    data = SourceFileMutationData(path=source)
    data.load()
    spans = MutantLineSpans.load(source)
    assert spans is not None, f"mutmut left no mutants of {source}"
    module = ".".join(source.with_suffix("").parts)
    lines = Path("mutants", source).read_text(encoding="utf-8").splitlines()

    def text(name: str) -> list[str]:
        span = spans.span_by_function_name[name]
        return [line for line in lines[span.start - 1 : span.end] if line.strip()]

    for name, code in data.exit_code_by_key.items():
        mangled = name.rpartition(".")[2]
        original = mangled.partition("__mutmut_")[0] + "__mutmut_orig"
        function, of_class = orig_function_and_class_names_from_key(name)
        before, after = _bare(text(original), original, function), _bare(text(mangled), mangled, function)
        was, became = _difference(before, after)
        verdict = apart("\n".join(before), "\n".join(after)) or _verdict(code)
        where = ".".join(part for part in (module, of_class, function) if part)
        yield Mutant(name, where, was, became, verdict)


def _verdict(code: int | None) -> Verdict:
    match status_by_exit_code[code]:
        case "killed":
            return Verdict.KILLED
        case "timeout" | "segfault":  # what the limits of time leave of a mutant that never ends
            return Verdict.TIMED_OUT
        case "survived" | "no tests":
            return Verdict.SURVIVED
        case "not checked":
            return Verdict.UNTRIED
        case other:
            raise AssertionError(f"mutmut ended with a mutant that is {other}")


def _bare(lines: list[str], mangled: str, function: str) -> list[str]:
    indent = len(lines[0]) - len(lines[0].lstrip())
    return [line[indent:].replace(mangled, function) for line in lines]


def _difference(before: list[str], after: list[str]) -> tuple[str, str]:
    was: list[str] = []
    became: list[str] = []
    for kind, i, j, k, m in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind != "equal":
            was += (line.strip() for line in before[i:j])
            became += (line.strip() for line in after[k:m])
    return " ".join(was), " ".join(became)


def apart(before: str, after: str) -> Verdict | None:
    """Of a change that nobody but a reader can notice: what it changes. It is not even tried."""
    if _without_wording(before) == _without_wording(after):
        return Verdict.WORDING
    if _with_sql_in_one_case(before) == _with_sql_in_one_case(after):
        return Verdict.SAME_SQL
    return None


@lru_cache(maxsize=2)
def _without_wording(function: str) -> str:
    tree = ast.parse(function)
    for node in ast.walk(tree):
        match node:
            case ast.Assert(msg=ast.expr()):
                node.msg = ast.Constant("")
            case ast.Call(func=ast.Name(name) | ast.Attribute(attr=name), args=args):
                for word in args[slice(1) if _ERROR.fullmatch(name) else _SENTENCES.get(name, slice(0))]:
                    if isinstance(word, ast.NamedExpr):
                        word.value = ast.Constant("")
                    else:
                        args[args.index(word)] = ast.Constant("")
    return ast.dump(tree)


@lru_cache(maxsize=2)
def _with_sql_in_one_case(function: str) -> str:
    tree = ast.parse(function)
    for node in ast.walk(tree):
        match node:
            case ast.Constant(str(text)) if _SQL.match(text.upper()):
                pieces = _SQL_PIECE.split(text)
                node.value = "".join(piece if piece.startswith("'") else piece.lower() for piece in pieces)
            case ast.Call(func=ast.Name(name) | ast.Attribute(attr=name), args=args) if name in _SQL_NAMES:
                for one in args:
                    if isinstance(one, ast.Constant) and isinstance(one.value, str):
                        one.value = one.value.lower()
    return ast.dump(tree)


def keep_tests_of_the_part(parts: Mapping[str, tuple[str, ...]]) -> None:
    """Of all tests that pass through a function, leave those of its own part: quick, and stricter than all of them."""
    path = Path("mutants", "mutmut-stats.json")
    stats = json.loads(path.read_text(encoding="utf-8"))
    for function, tests in stats["tests_by_mangled_function_name"].items():
        own = next(folders for part, folders in parts.items() if function.startswith(part))
        tests[:] = [test for test in tests if test.startswith(own)]
    path.write_text(json.dumps(stats), encoding="utf-8")
