"""What parts of a spec have in common: immutable, no unknown keys, and a key with nothing after it is left out."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, TypeAlias, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from inferometer.errors import listed
from inferometer.spec.fields import Count, File, Flag, Interval, Path, Refused, Sampling, Text, Url

_T = TypeVar("_T")


class Part(BaseModel):
    """A mapping of the spec. `noun` is what messages call it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    noun: ClassVar[str]

    @model_validator(mode="before")
    @classmethod
    def _without_nothing(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        # An unknown key stays, so that it is refused: `vllm:http://x` without a space is a key with nothing after it.
        known = {field.alias or name for name, field in cls.model_fields.items()}
        return {key: value for key, value in data.items() if value is not None or key not in known}


def _one_as_list(value: object) -> object:
    return [value] if isinstance(value, dict) else value


def _nothing_as_empty(value: object) -> object:
    return {} if value is None else value


def exactly_one(given: dict[str, object], noun: str) -> None:
    """Refuses none, and more than one, of these keys."""
    named = [key for key, value in given.items() if value]
    if len(named) > 1:
        raise Refused(f'{noun} takes one of "{named[0]}" and "{named[1]}", not both', code="IM208", path=(named[1],))
    if not named:
        wanted = listed(f'"{key}"' for key in given)
        raise Refused(f"{noun} needs {wanted}", code="IM203")


# One mapping, or a list of them.
OneOrMore: TypeAlias = Annotated[tuple[_T, ...], BeforeValidator(_one_as_list)]
OrEmpty: TypeAlias = Annotated[_T, BeforeValidator(_nothing_as_empty)]


class Basic(Part):
    """A user's name and the file that holds the password."""

    noun: ClassVar[str] = "basic authentication"

    username: Text = Field(description="The user's name.")
    password_file: File = Field(description="The file that holds the password.")


class Auth(Part):
    """How to log in: one of the two ways."""

    noun: ClassVar[str] = "an auth section"

    bearer_file: File | None = Field(None, description="The file that holds a bearer token.")
    basic: Basic | None = Field(None, description="A user's name and the file of the password.")

    @model_validator(mode="after")
    def _one_way(self) -> Auth:
        exactly_one({"bearer_file": self.bearer_file, "basic": self.basic}, self.noun)
        return self


class Tls(Part):
    """How to check the other side of a TLS connection, and what to show it."""

    noun: ClassVar[str] = "a tls section"

    ca_file: File | None = Field(None, description="Certificates of the authorities to trust.")
    cert_file: File | None = Field(None, description="Our certificate; needs key_file.")
    key_file: File | None = Field(None, description="The key of our certificate; needs cert_file.")
    server_name: Text | None = Field(None, description="The name that the server's certificate must have.")
    insecure_skip_verify: Flag = Field(False, description="Do not check the server's certificate.")

    @model_validator(mode="after")
    def _certificate_with_key(self) -> Tls:
        if (self.cert_file is None) != (self.key_file is None):
            missing, given = ("cert_file", "key_file") if self.cert_file is None else ("key_file", "cert_file")
            raise Refused(f'"{given}" needs "{missing}" beside it', code="IM203", path=(given,))
        return self


class Header(Part):
    """A header's value, which stands in a file."""

    noun: ClassVar[str] = "a header"

    file: File = Field(description="The file that holds the header's value.")


class Scrape(Part):
    """How a target's metrics are fetched."""

    noun: ClassVar[str] = "a scrape section"

    interval: Sampling | None = Field(
        None, description="Time between two scrapes; storage.scrape_interval if left out."
    )
    timeout: Interval | None = Field(None, description="How long a scrape may take; at most the interval.")
    path: Path | None = Field(None, description="The path of the metrics; /metrics if left out.")
    params: dict[Text, Text] = Field({}, description="Parameters of the URL, each with one value.")
    sample_limit: Count | None = Field(None, description="A scrape with more samples fails. Estimated if left out.")
    auth: Auth | None = Field(None, description="How to log in.")
    tls: Tls | None = Field(None, description="TLS settings, for addresses with https.")
    headers: dict[Text, Header] = Field({}, description="Further headers, each with its value in a file.")

    @model_validator(mode="after")
    def _free_headers(self) -> Scrape:
        refuse_reserved_headers(self.headers)
        return self


class RemoteWrite(Part):
    """Where samples are sent besides."""

    noun: ClassVar[str] = "a remote_write entry"

    url: Url = Field(description="The URL that takes samples, such as https://host/api/v1/write.")
    auth: Auth | None = Field(None, description="How to log in.")
    tls: Tls | None = Field(None, description="TLS settings, for addresses with https.")
    headers: dict[Text, Header] = Field({}, description="Further headers, each with its value in a file.")

    @model_validator(mode="after")
    def _free_headers(self) -> RemoteWrite:
        refuse_reserved_headers(self.headers)
        return self


# Headers that Prometheus sets itself and refuses in `http_headers` (prometheus/common, config/headers.go).
_RESERVED_HEADERS = frozenset(
    [
        "accept-encoding",
        "authorization",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "host",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "user-agent",
        "www-authenticate",
        "x-amz-content-sha256",
        "x-amz-date",
        "x-amz-security-token",
        "x-prometheus-remote-read-version",
        "x-prometheus-remote-write-version",
        "x-prometheus-scrape-timeout-seconds",
    ]
)


def refuse_reserved_headers(headers: dict[str, Header]) -> None:
    """Raises Refused for a header that Prometheus keeps to itself."""
    for name in headers:
        if name.lower() in _RESERVED_HEADERS:
            hint = 'write "auth:" with "bearer_file:" or "basic:"' if name.lower() == "authorization" else None
            raise Refused(f'Prometheus sets the header "{name}" itself', hint, path=("headers", name))
        if not name.isascii() or not name.replace("-", "").replace("_", "").isalnum():
            raise Refused(f'"{name}" is not the name of a header', "letters, digits, - and _", path=("headers", name))
