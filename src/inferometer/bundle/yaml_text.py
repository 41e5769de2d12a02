"""YAML as people like to read it: block style, long lines unbroken, queries of several lines as literal blocks.

Readers of YAML disagree on bare words: 1.1 reads `on` as true and `12:30` as a number, 1.2 and Go's library read `1e3`
as a number, which PyYAML alone would leave bare. Text that any of them could misread is quoted.
"""

from __future__ import annotations

import re

import yaml

# Beyond what PyYAML quotes by itself: https://yaml.org/type/bool.html, https://yaml.org/type/float.html,
# https://yaml.org/spec/1.2.2/#1032-tag-resolution and the words of https://pkg.go.dev/gopkg.in/yaml.v3.
_MISREAD = re.compile(
    r"""
    y | n | nan | [-+]?inf(inity)?
    | [-+]? ( \d[\d_]*\.?[\d_]* | \.[\d_]+ ) ( e[-+]?\d+ )?
    | [-+]? 0 ( o[0-7_]+ | b[01_]+ | x[\da-f_]+ )
    | [-+]? \d[\d_]* ( :[0-5]?\d )+ ( \.\d* )?
    """,
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)


class _Dumper(yaml.CSafeDumper):
    def ignore_aliases(self, data: object) -> bool:
        return True  # An anchor in a generated file would only say that two values are one object in memory.


def _represent_text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    style = None
    if "\n" in text:
        style = "|"
    elif _MISREAD.fullmatch(text):
        style = "'"
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)


def yaml_text(value: object) -> str:
    """The value as one YAML document with keys in the order given, ending in a newline.

    Raises TypeError for a value that is not plain data.
    """
    try:
        text: str = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=2**31 - 1)
    except yaml.representer.RepresenterError as error:
        raise TypeError(f"not data: {error.args[-1]!r}") from error
    return text
