"""Bare nginx that passes everything to one server: the yardstick for what a proxy must cost at least."""

from __future__ import annotations

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
  upstream there {{ server {upstream}; keepalive 1024; keepalive_requests 1000000000; }}
  server {{
    listen {address} backlog=4096;
    location / {{
      proxy_pass http://there;
      proxy_http_version 1.1;
      proxy_set_header Host {upstream};
      proxy_set_header Connection "";
      proxy_buffering off;
      proxy_request_buffering off;
      proxy_read_timeout 900s;
    }}
    location = /nginx-is-ready {{ return 200; }}
  }}
}}
"""


class Nginx(Server):
    """One nginx worker before one upstream (`host:port`): kept-alive connections, nothing buffered, nothing logged."""

    name: ClassVar[str] = "nginx"
    ready_path: ClassVar[str] = "/nginx-is-ready"

    def __init__(self, upstream: str) -> None:
        super().__init__()
        self._program = find("nginx")
        self._upstream = upstream

    def command(self) -> Sequence[str | Path]:
        file = self.folder / "nginx.conf"
        file.write_text(_CONFIG.format(folder=self.folder, address=self.address, upstream=self._upstream))
        return [self._program, "-e", "stderr", "-p", self.folder, "-c", file]
