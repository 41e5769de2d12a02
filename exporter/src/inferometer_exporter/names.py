"""Words that several parts share: ends of a request, reasons of failure, label values."""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """How a request ended, as the column `status` of the traces says it (the words are Ollama Herd's)."""

    COMPLETED = "completed"
    FAILED = "failed"
    CLIENT_DISCONNECTED = "client_disconnected"
    INCOMPLETE = "incomplete"
    NO_OUTPUT = "no_output"
    RETRIED = "retried"
    REJECTED = "rejected"


class Reason(StrEnum):
    """Why a request did not complete: the label `reason` of `inferometer_request_failures_total`.

    The first two are not the server's fault, and no alert counts them.
    """

    CLIENT_DISCONNECTED = "client_disconnected"  # the client left before its answer ended
    CLIENT_ERROR = "client_error"  # the server answered 4xx (but 429), or the request was no HTTP or too slow
    UNREACHABLE = "upstream_unreachable"  # no connection: refused, no route, name unknown, certificate refused
    TIMEOUT = "upstream_timeout"  # no connection, or no byte, within the time allowed
    RESET = "upstream_reset"  # the server broke the connection before its answer ended, or answered what is no HTTP
    UPSTREAM_ERROR = "upstream_error"  # the server answered 5xx (but 503)
    REJECTED = "rejected"  # the server was full: 429, 503
    STREAM_ERROR = "stream_error"  # the server answered 200, and told of an error in the stream
    INCOMPLETE = "incomplete"  # the answer ended cleanly, but without its last event
    SHUTDOWN = "shutdown"  # the exporter ended while the request ran


class DropReason(StrEnum):
    """Why a trace was not written: the label `reason` of `inferometer_traces_dropped_total`."""

    QUEUE_FULL = "queue_full"  # they came faster than they could be written
    DISK_FULL = "disk_full"  # no space was left, and pruning did not make any
    LOCKED = "locked"  # another process held the file
    READ_ONLY = "read_only"  # the file or its folder cannot be written
    CORRUPT = "corrupt"  # the file was broken and could not be set aside
    WRITE_ERROR = "write_error"  # any other error of the disk or of SQLite
    SHUTDOWN = "shutdown"  # the exporter ended before they were written


# The label value for models, tags and others that are beyond the budget, unknown, or not said.
OTHER = "other"
