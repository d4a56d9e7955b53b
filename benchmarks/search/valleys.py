"""An instance of so many valleys that share nothing but their firms: `tiny`, once each.

The Loire and the generated departments are one to three components, where plans that differ in one territory can
share little. Here all that they share shows.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from instances.catalogue import instance_folder

MODEL = "tiny"
NAME = re.compile(r"valleys-(\d+)")
PLACES = ("zone", "parent", "origin", "destination")
"""Columns that name a zone; the file of zones names its own in `zone` too."""


def valleys(count: int, folder: Path) -> Path:
    """Write the instance of so many valleys into a new folder, and return it."""
    folder.mkdir()
    model = instance_folder(MODEL)
    for path in model.glob("*.csv"):
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        pd.concat(_copies(table, count)).to_csv(folder / path.name, index=False, lineterminator="\n")
    settings = (model / "instance.toml").read_text(encoding="utf-8")
    renamed = re.sub('name = ".*"', f'name = "{count} valleys"', settings, count=1)
    (folder / "instance.toml").write_text(renamed, encoding="utf-8")
    return folder


def _copies(table: pd.DataFrame, count: int) -> Iterator[pd.DataFrame]:
    """Yield the rows that name no zone once, the others once a valley."""
    places = [column for column in table.columns if column in PLACES]
    is_placed = (table[places] != "").any(axis=1)
    yield table[~is_placed]
    for valley in range(1, count + 1):
        copy = table[is_placed].copy()
        for column in places:
            copy[column] = copy[column].where(copy[column] == "", copy[column] + f"_{valley}")
        yield copy
