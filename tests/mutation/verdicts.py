"""What became of each mutant: read from what mutmut left in `mutants/`, and sorted by what the change can mean."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum
from pathlib import Path

from mutmut.mutation.data import MutantLineSpans, SourceFileMutationData
from mutmut.stats import status_by_exit_code
from mutmut.utils.format_utils import orig_function_and_class_names_from_key

_SQL = re.compile(r"\s*(AND|BEGIN|COMMIT|CREATE|DELETE|INSERT|PRAGMA|ROLLBACK|SELECT|UPDATE|WHERE|file:)\b")
_SQL_PIECE = re.compile(r"('[^']*')")
_PROMISES = {"one": 1, "_require": 1}
"""Functions of the journal that take a sentence for the reader of an EntryRefused, and where it stands."""
_LOGGING = {"debug", "info", "warning", "error", "exception", "critical", "log"}


class Verdict(StrEnum):
    """What counts: killed and timed out against all but the last two."""

    KILLED = "killed"
    TIMED_OUT = "timeout"
    SURVIVED = "survived"
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
        verdict = _verdict(code)
        if verdict is Verdict.SURVIVED:
            verdict = _meaning("\n".join(before), "\n".join(after))
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


def _meaning(before: str, after: str) -> Verdict:
    for verdict, blind in ((Verdict.WORDING, _without_wording), (Verdict.SAME_SQL, _with_sql_in_one_case)):
        if blind(ast.parse(before)) == blind(ast.parse(after)):
            return verdict
    return Verdict.SURVIVED


def _without_wording(tree: ast.AST) -> str:
    for node in ast.walk(tree):
        match node:
            case ast.Raise(exc=ast.Call(args=args, keywords=keywords)):
                _blank(*args, *(one.value for one in keywords))
            case ast.Assert(msg=ast.expr() as message):
                _blank(message)
            case ast.Call(func=ast.Attribute(value=ast.Name("log"), attr=attr), args=args) if (
                attr in _LOGGING
            ):
                _blank(*args)
            case ast.Call(func=ast.Name(name), args=args) if name in _PROMISES:
                _blank(args[_PROMISES[name]])
    return ast.dump(tree)


def _blank(*sentences: ast.expr) -> None:
    _map_strings(sentences, lambda _text: "")


def _with_sql_in_one_case(tree: ast.AST) -> str:
    def folded(text: str) -> str:
        if not _SQL.match(text) and not _SQL.match(text.upper()):
            return text
        return "".join(piece if piece.startswith("'") else piece.lower() for piece in _SQL_PIECE.split(text))

    _map_strings([tree], folded)
    return ast.dump(tree)


def _map_strings(trees: tuple[ast.expr, ...] | list[ast.AST], change: Callable[[str], str]) -> None:
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                node.value = change(node.value)


def keep_tests_of_the_part(parts: Mapping[str, tuple[str, ...]]) -> None:
    """Of all tests that pass through a function, leave those of its own part: quick, and stricter than all of them."""
    path = Path("mutants", "mutmut-stats.json")
    stats = json.loads(path.read_text(encoding="utf-8"))
    for function, tests in stats["tests_by_mangled_function_name"].items():
        own = next(folders for part, folders in parts.items() if function.startswith(part))
        tests[:] = [test for test in tests if test.startswith(own)]
    path.write_text(json.dumps(stats), encoding="utf-8")
