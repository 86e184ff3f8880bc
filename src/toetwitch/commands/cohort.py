"""``toetwitch cohort``: assess a Parquet file of cases, larger than memory if need be, and go on where it stopped.

The rows are read, assessed and written in parts. Each part is written beside its final name and moved there, so a part
that exists is whole; an interrupted run leaves its parts, and the same command takes up after them. A note beside the
parts says what they were made from, so parts of another file or model are never mixed in.
"""

from __future__ import annotations

__all__ = ["cohort"]

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import click

from toetwitch.commands.model_option import model_option, setting_option
from toetwitch.errors import EvidenceError
from toetwitch.knowledge.red_flag import POLICIES
from toetwitch.model import Model, load_model

ROWS_AT_ONCE = 2_000
"""Rows in memory at a time: a few megabytes with their answers."""

NOTE = "made_from.json"


@click.command()
@click.argument("cases", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("answers", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--policy", type=click.Choice(POLICIES), help="Whose level counts where the two disagree.")
@click.option("--threads", type=click.IntRange(min=1), help="Cores to use; all by default.")
@setting_option
@model_option
def cohort(
    cases: Path, answers: Path, policy: str | None, threads: int | None, setting: str | None, model_path: str | None
) -> None:
    """Assess the Parquet file CASES, a row a case, into the Parquet file ANSWERS.

    A missing cell is unknown. The answers have the rows in the same order. An interrupted run resumes when the same
    command is given again.
    """
    parquet = _parquet()
    model = load_model(model_path, setting=setting)
    try:
        source = parquet.ParquetFile(cases)
    except (OSError, ValueError) as error:
        raise EvidenceError(f"{cases} is not a Parquet file: {error}") from None
    parts = answers.with_name(answers.name + ".parts")
    _prepare(parts, _made_from(cases, source.metadata.num_rows, model, policy))
    names = []
    with click.progressbar(
        length=source.metadata.num_rows, label="assessing", file=sys.stderr, hidden=not sys.stderr.isatty()
    ) as shown:
        for number, batch in enumerate(source.iter_batches(batch_size=ROWS_AT_ONCE)):
            part = parts / f"part-{number:06d}.parquet"
            if not part.exists():
                _write_part(parquet, part, model.assess_many(_table(batch), policy=policy, threads=threads))
            names.append(part)
            shown.update(len(batch))
    if not names:
        names.append(parts / "part-000000.parquet")
        _write_part(parquet, names[0], model.assess_many(_table(source.schema_arrow.empty_table())))
    _join(parquet, names, answers)
    shutil.rmtree(parts)
    click.echo(f"{source.metadata.num_rows} cases assessed into {answers}")


def _parquet() -> Any:
    try:
        import pyarrow.parquet
    except ImportError:
        raise click.UsageError("reading Parquet needs pyarrow: pip install 'toetwitch[cohort]'") from None
    return pyarrow.parquet


def _table(batch: Any) -> Any:
    import pyarrow as pa

    return batch if isinstance(batch, pa.Table) else pa.Table.from_batches([batch])


def _made_from(cases: Path, rows: int, model: Model, policy: str | None) -> str:
    found = cases.stat()
    definition = model.definition
    return json.dumps(
        {
            "file": cases.name,
            "bytes": found.st_size,
            "modified": found.st_mtime_ns,
            "rows": rows,
            "rows_at_once": ROWS_AT_ONCE,
            "model": [definition.name, definition.version, model.setting],
            "policy": policy,
        }
    )


def _prepare(parts: Path, made_from: str) -> None:
    """Keep the parts that an interrupted run of the same question left; drop any others."""
    note = parts / NOTE
    if parts.exists() and not (note.exists() and note.read_text(encoding="utf-8") == made_from):
        shutil.rmtree(parts)
    parts.mkdir(parents=True, exist_ok=True)
    note.write_text(made_from, encoding="utf-8")


def _write_part(parquet: Any, part: Path, table: Any) -> None:
    unfinished = part.with_suffix(".unfinished")
    parquet.write_table(table.cast(_schema(table)), unfinished)
    os.replace(unfinished, part)


def _schema(table: Any) -> Any:
    """Return a schema that does not depend on what a part happens to hold: text, or floats."""
    import pyarrow as pa

    words = {"status", "reason", "level", "rules_level", "posterior_level", "red_flags", "most_probable_cause"}
    return pa.schema([(name, pa.string() if name in words else pa.float64()) for name in table.column_names])


def _join(parquet: Any, names: list[Path], answers: Path) -> None:
    unfinished = answers.with_name(answers.name + ".unfinished")
    with parquet.ParquetWriter(unfinished, parquet.read_schema(names[0])) as writer:
        for name in names:
            writer.write_table(parquet.read_table(name))
    os.replace(unfinished, answers)
