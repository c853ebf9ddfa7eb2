"""A picture of every kind of receipt at every width of paper, as the example configuration makes them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import get_args

from kassa.config import load
from kassa.fiscal.template import load_templates
from kassa.home import Home, data_folder
from kassa.paper import Columns, spelled, typeset
from kassa.receipts.picture import save
from kassa.receipts.samples import KINDS, printed, sample

FOLDER = Path("build/receipts")
PRINTERS = {"printer": False, "registrar": True}


def main(folder: Path) -> None:
    """Write `PRINTER-KIND-WIDTH.png` for all there are."""
    folder.mkdir(parents=True, exist_ok=True)
    examples = Home(data_folder() / "examples")
    config = load(examples.config)
    templates = load_templates(config, examples)
    for printer, is_fiscal in PRINTERS.items():
        for kind in KINDS:
            made = sample(kind, config.service[0], config, templates)
            lines = printed(made, config, templates, is_fiscal=is_fiscal)
            for columns in get_args(Columns):
                rows = typeset(spelled(lines, config.registrar.code_page), columns)
                save(rows, columns, folder / f"{printer}-{kind}-{columns}.png")
    print(f"{folder}: {len(PRINTERS) * len(KINDS) * len(get_args(Columns))} pictures")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
