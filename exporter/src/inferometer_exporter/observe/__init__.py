"""What requests and answers tell: pure functions and small readers over bytes, without a socket."""

from __future__ import annotations
