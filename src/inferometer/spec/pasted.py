"""Whether a text is a secret itself, where the path of a file that holds one is wanted."""

from __future__ import annotations

import re

# How tokens of well-known services begin, each with so much of its body that no file is called so.
_TOKEN = re.compile(
    r"(?:^|[^A-Za-z0-9])(?:"
    r"sk-(?:proj|ant|or|svcacct|admin|lf)-[A-Za-z0-9_-]{4,}|(?:sk|pk|rk)[-_][A-Za-z0-9_]{16,}"
    r"|xox[a-z](?:\.xox[a-z])?-[A-Za-z0-9-]{4,}|xapp-[A-Za-z0-9-]{4,}"
    r"|gh[a-z]_[A-Za-z0-9]{6,}|github_pat_\w{6,}|gl[a-z]{2,5}-[A-Za-z0-9_-]{12,}|glsa_\w{6,}"
    r"|eyJ[A-Za-z0-9_-]{6,}|hf_[A-Za-z0-9]{16,}|nvapi-[A-Za-z0-9_-]{8,}|gsk_[A-Za-z0-9]{16,}"
    r"|AKIA[A-Z0-9]{12,}|AIza[A-Za-z0-9_-]{20,}|ya29\.\S{8,}|SG\.[A-Za-z0-9_-]{16,}"
    r"|-----BEGIN |hooks\.slack(?:-gov)?\.com/|T[A-Z0-9]{8,}/B[A-Z0-9]{8,}/[A-Za-z0-9]{16,})"
)
# What else no path looks like: a URL, a header's value, several lines.
_NO_PATH = re.compile(r"://|[\r\n]|^(?:Bearer|Basic|Token)\s", re.IGNORECASE)
_LONG = re.compile(r"[A-Za-z0-9+_=:~-]{20,}")
_LONG_WITH_DOTS = re.compile(r"[A-Za-z0-9+_=:~.-]{40,}")
# Base64 may hold slashes; a path neither ends with = nor holds a +.
_BASE64 = re.compile(r"(?=.*[+=])[A-Za-z0-9+/]{20,}={0,2}")
# Words with hyphens between are a file's name, however long: vllm-token-for-prometheus.
_WORDS = re.compile(r"[a-z]{1,15}(?:[-_][a-z]{1,15})*")


def is_token(text: str) -> bool:
    """Whether a token that everybody knows by its beginning stands in the text."""
    return bool(_TOKEN.search(text))


def is_pasted(text: str) -> bool:
    """Whether this is what a file should hold, and not a file's path. A bare name of 20 characters or more is refused
    unless it is made of plain words: rather a path to be written with its folder than a secret to be shown."""
    if is_token(text) or _NO_PATH.search(text):
        return True
    return any(_is_long(word) for word in text.split())


def _is_long(word: str) -> bool:
    return not _WORDS.fullmatch(word) and any(long.fullmatch(word) for long in (_LONG, _LONG_WITH_DOTS, _BASE64))
