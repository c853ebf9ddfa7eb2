"""Every text of the screens that a translator has to say: found in the source, as a reader would find it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

SCREENS = Path(__file__).resolve().parents[2] / "kassa" / "ui"
IN_KV = re.compile(r"""app\.tr\((?P<quote>['"])(?P<text>.*?)(?P=quote)[,)]""")
MARKS = ("tr", "_", "message")


def texts() -> set[str]:
    """All of them; of those that depend on a number, the form for one."""
    found = set()
    for path in sorted(SCREENS.rglob("*.py")):
        found |= set(_in_python(ast.parse(path.read_text(encoding="utf-8"))))
    for path in sorted(SCREENS.rglob("*.kv")):
        words = path.read_text(encoding="utf-8")
        matches = list(IN_KV.finditer(words))
        assert len(matches) == words.count("app.tr("), (
            f"{path.name}: a text is not one quoted string on one line"
        )
        found |= {match["text"] for match in matches}
    return found


def _in_python(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _name(node.func) in (*MARKS, "count") and node.args:
            first = node.args[0]
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield first.value


def _name(called: ast.expr) -> str:
    if isinstance(called, ast.Attribute):
        return called.attr
    return called.id if isinstance(called, ast.Name) else ""
