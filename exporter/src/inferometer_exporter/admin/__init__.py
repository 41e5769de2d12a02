"""The second port: metrics, health, what the traces tell, and a page for people. It only reads.

`server.AdminServer` is the way in. Nothing here asks a backend anything: a scrape never waits for one.
"""

from __future__ import annotations
