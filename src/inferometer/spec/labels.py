"""Labels that a spec may give: their names, and the values that leave the monitoring with every alert and sample."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import BeforeValidator, WithJsonSchema

from inferometer.names import CLUSTER, RESERVED_LABELS
from inferometer.spec.fields import Refused, line, matching

_name = matching("[a-zA-Z_][a-zA-Z0-9_]*", "the name of a label", "letters, digits and _, not beginning with a digit")


def _label_name(value: object) -> str:
    name = _name(value)
    if name.startswith("__"):
        raise Refused(f'labels that begin with "__" are Prometheus\'s own: "{name}"', "choose another name")
    return name


def _own_label_name(value: object) -> str:
    name = _label_name(value)
    if name == CLUSTER:
        raise Refused("the cluster has a key of its own", 'write "cluster: …" beside "labels:"')
    if name in RESERVED_LABELS:
        raise Refused(
            f'the label "{name}" is taken: servers or the generated configuration give it', "choose another name"
        )
    return name


def _external(value: object) -> str:
    """Prometheus 3 expands environment variables in external labels (docs: migration guide, expand-external-labels)."""
    text = line(value)
    if "$" in text:
        raise Refused("Prometheus puts a variable of its environment in place of $…", "write it without $")
    return text


LabelName: TypeAlias = Annotated[str, BeforeValidator(_label_name)]
OwnLabelName: TypeAlias = Annotated[str, BeforeValidator(_own_label_name)]
External: TypeAlias = Annotated[str, BeforeValidator(_external), WithJsonSchema({"type": "string", "minLength": 1})]
