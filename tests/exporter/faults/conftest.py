"""One upstream and one exporter before it for each module; each test begins with an upstream that has seen nothing."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from tests.exporter.support.process import Exporter
from tests.exporter.support.upstream import Upstream

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def shared_upstream() -> Iterator[Upstream]:
    with Upstream() as started:
        yield started


@pytest.fixture
def upstream(shared_upstream: Upstream) -> Upstream:
    """The module's upstream, as if nobody had asked it anything."""
    return shared_upstream.fresh()


@pytest.fixture(scope="module")
def exporter(shared_upstream: Upstream) -> Iterator[Exporter]:
    """An exporter that believes the upstream to be an Ollama."""
    with Exporter(shared_upstream.url) as started:
        yield started


@pytest.fixture
def tag() -> str:
    """A tag that no other test uses, to find one's own traces by. It travels in the header `X-Herd-Tags`."""
    return f"test-{next(_numbers)}"
