"""The spec: the user's one file. `load` reads it, `Spec` is what it says, `schema` tells editors what it may say."""

from __future__ import annotations

from inferometer.spec.address import Address
from inferometer.spec.load import LoadedSpec, load, loads
from inferometer.spec.model import Spec
from inferometer.spec.schema import schema, schema_text
from inferometer.spec.source import Source

__all__ = ["Address", "LoadedSpec", "Source", "Spec", "load", "loads", "schema", "schema_text"]
