"""`kassa receipt`: how receipts will look."""

from __future__ import annotations

import json
from pathlib import Path

import click

from kassa.cli.context import Context, pass_context
from kassa.config import Config, Service, load
from kassa.errors import KassaError

WIDTHS = ("32", "36", "42", "48", "64")
NOT_ASKED = "48"
"""Columns of a fiscal registrar's paper; it does not tell."""


@click.group()
def receipt() -> None:
    """See what customers will have in their hands, before anybody pays."""


@receipt.command()
@click.option("--service", "service_id", help="Of this service. Default: the first of kassa.toml.")
@click.option(
    "--width", "columns", type=click.Choice(WIDTHS), help="Characters on a row. Default: the printer's."
)
@click.option(
    "--kind",
    type=click.Choice(("own", "items", "agent", "correction", "contact", "long_name")),
    default="own",
    show_default=True,
    help="What happened: an ordinary payment, or something rarer.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write a picture: a PNG, a pixel for each dot of the printer.",
)
@click.option("--text", "as_text", is_flag=True, help="Show it here as text; so it is without --out, too.")
@click.option("--json", "as_json", is_flag=True, help="For machines: its rows.")
@pass_context
def preview(
    context: Context,
    service_id: str | None,
    columns: str | None,
    kind: str,
    out: Path | None,
    as_text: bool,
    as_json: bool,
) -> None:
    """Show a sample receipt as the templates and kassa.toml make it; nothing is printed.

    Of a fiscal registrar it is a likeness: the lines above the items are ours, the layout of the rest is its own.
    """
    from kassa.fiscal.template import load_templates
    from kassa.paper import as_text as in_text
    from kassa.paper import spelled, typeset
    from kassa.receipts import samples

    config = load(context.home.config)
    service = _service(config, service_id)
    templates = load_templates(config, context.home)
    is_fiscal = config.registrar.protocol != "escpos"
    width = int(columns or (NOT_ASKED if is_fiscal else config.registrar.width))
    made = samples.sample(kind, service, config, templates)
    lines = samples.printed(made, config, templates, is_fiscal=is_fiscal)
    rows = typeset(lines if is_fiscal else spelled(lines, config.registrar.code_page), width)
    if out is not None:
        try:
            from kassa.receipts import picture
        except ModuleNotFoundError as error:
            raise KassaError(f"a picture needs {error.name}; pip install 'kassa[ui]'") from error
        picture.save(rows, width, out)
    if as_json:
        click.echo(json.dumps({"width": width, "rows": in_text(rows)}, ensure_ascii=False))
    elif as_text or out is None:
        click.echo("\n".join(in_text(rows)))


def _service(config: Config, service_id: str | None) -> Service:
    service = config.find_service(service_id) if service_id is not None else config.service[0]
    if service is None:
        known = ", ".join(one.id for one in config.service)
        raise KassaError(f"kassa.toml has no service {service_id!r}; there are: {known}")
    return service
