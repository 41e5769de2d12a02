"""Where the exporter listens for a backend's clients: a port, or a host and a port."""

from __future__ import annotations

import re
from typing import Annotated, TypeAlias

from pydantic import PlainValidator, WithJsonSchema

from inferometer.spec.address import Address, AddressError, parse_address
from inferometer.spec.fields import from_text

LOOPBACK = "127.0.0.1"
_HINT = "write a port such as 11436, or a host and a port such as 127.0.0.1:11436"


def parse_listen(text: str) -> Address:
    """The address of `port` (on loopback) or `host:port`. Raises AddressError."""
    try:
        address = parse_address(f"{LOOPBACK}:{text}" if re.fullmatch("[0-9]+", text) else text)
    except AddressError as error:
        raise AddressError(str(error), _HINT) from None
    if address.scheme != "http":
        raise AddressError("the exporter is reached by http here", "leave https:// out")
    if not address.port:
        raise AddressError("the port is missing", _HINT)
    return address


Listen: TypeAlias = Annotated[
    Address,
    PlainValidator(from_text(parse_listen)),
    WithJsonSchema({"type": ["integer", "string"], "examples": [11436, "127.0.0.1:11436"]}),
]
