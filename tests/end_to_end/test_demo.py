"""`scripts/demo --scripted`, as a stranger runs it."""

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow


def demo(*words):
    return subprocess.run(
        [sys.executable, "-m", "kassa.cli.main", "demo", *words],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def test_the_scripted_visit_ends_with_a_summary_that_agrees_and_pictures_of_every_screen(tmp_path):
    out = tmp_path / "demo"

    done = demo("--scripted", "--out", str(out))

    assert done.returncode == 0, done.stdout + done.stderr
    assert "All agree." in done.stdout
    summary = json.loads((out / "summary.json").read_text())
    assert summary["notes_in_box"] == {"50": 1, "100": 1, "500": 1}
    assert summary["credited_total"] == summary["box_total"] == "650.00"
    assert len(summary["documents"]) == len(summary["files"]) == 1
    shown = {path.name.split("-", 1)[1] for path in out.glob("[0-9]*.png")}
    assert shown >= {
        "out-of-service.png", "attract.png", "services.png", "account.png", "balance.png", "cash.png",
        "cash-paid.png", "printing.png", "thanks.png",
    }  # fmt: skip
    assert "650.00" in (out / "receipt.txt").read_text()
    assert (out / "receipt.png").exists()
    [file] = out.glob("KASSA_*.csv")
    assert "4038172956;internet" in file.read_text()


def test_a_folder_with_other_files_is_never_emptied(tmp_path):
    (tmp_path / "thesis.txt").write_text("three years")

    done = demo("--scripted", "--out", str(tmp_path))

    assert done.returncode == 1
    assert "name another folder with --out" in done.stderr
    assert (tmp_path / "thesis.txt").exists()
