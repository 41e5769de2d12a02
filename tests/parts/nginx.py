"""Bare nginx: one worker, nothing logged. As a pass-through it is the yardstick for what a proxy must cost at least."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from tests.parts.binaries import find
from tests.parts.process import Server

_CONFIG = """
worker_processes 1;
daemon off;
pid {folder}/pid;
error_log stderr warn;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  client_max_body_size 0;
  keepalive_requests 1000000000;
  {before}
  server {{
    listen {address} backlog=4096;
    {inside}
    location = /nginx-is-ready {{ return 200; }}
  }}
}}
"""

_UPSTREAM = "upstream there {{ server {upstream}; keepalive 1024; keepalive_requests 1000000000; }}"
_PASS = """
    location / {{
      proxy_pass http://there;
      proxy_http_version 1.1;
      proxy_set_header Host {upstream};
      proxy_set_header Connection "";
      proxy_buffering off;
      proxy_request_buffering off;
      proxy_read_timeout 900s;
    }}
"""


class Worker(Server):
    """One nginx worker that does what its blocks say."""

    name: ClassVar[str] = "nginx"
    ready_path: ClassVar[str] = "/nginx-is-ready"

    def __init__(self) -> None:
        super().__init__()
        self._program = find("nginx")

    @abstractmethod
    def blocks(self) -> tuple[str, str]:
        """What stands before the server's block, and inside it."""

    def command(self) -> Sequence[str | Path]:
        before, inside = self.blocks()
        file = self.folder / "nginx.conf"
        file.write_text(_CONFIG.format(folder=self.folder, address=self.address, before=before, inside=inside))
        return [self._program, "-e", "stderr", "-p", self.folder, "-c", file]


class Nginx(Worker):
    """Passes everything to one upstream (`host:port`): kept-alive connections, nothing buffered."""

    def __init__(self, upstream: str) -> None:
        super().__init__()
        self._upstream = upstream

    def blocks(self) -> tuple[str, str]:
        return _UPSTREAM.format(upstream=self._upstream), _PASS.format(upstream=self._upstream)
