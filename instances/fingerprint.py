"""A hash of an instance's content, so that every result names what it was computed from."""

import hashlib
import json
from collections.abc import Iterable, Mapping

from pydantic import BaseModel


def fingerprint(settings: BaseModel, values: Mapping[str, float], tables: Mapping[str, Iterable[BaseModel]]) -> str:
    """Return the sha256 of settings, parameter values in force and all rows, in table order.

    Folder name, column order, spelling of numbers and file format leave it unchanged.
    """
    digest = hashlib.sha256()
    digest.update(settings.model_dump_json().encode())
    digest.update(json.dumps(dict(sorted(values.items()))).encode())
    for name, rows in tables.items():
        digest.update(f"\n[{name}]\n".encode())
        for row in rows:
            digest.update(row.model_dump_json().encode())
            digest.update(b"\n")
    return digest.hexdigest()
