"""One store has one lock, by whatever name it is called."""

from __future__ import annotations

from pathlib import Path

import pytest

from inferometer_exporter.store.lock import Lock, Taken


def test_a_store_is_taken_under_every_name_of_its_file(tmp_path: Path) -> None:
    (tmp_path / "link.db").symlink_to(tmp_path / "traces.db")
    first, second = Lock(tmp_path / "traces.db"), Lock(tmp_path / "link.db")
    first.take()
    with pytest.raises(Taken):
        second.take()
    first.release()
    second.take()
    second.release()
