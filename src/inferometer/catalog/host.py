"""Hosts through node_exporter (names recorded from 1.11.1; the same since 0.16)."""

from __future__ import annotations

from inferometer.catalog import signals as s
from inferometer.catalog.signal import Profile, Vantage, metric, source

# File systems that hold nobody's data, or that are read-only by nature.
_PSEUDO = "tmpfs|devtmpfs|overlay|squashfs|ramfs|iso9660|erofs|fuse.*"
# Interfaces whose traffic never leaves the host, or is seen a second time on a real one.
_VIRTUAL = "lo|veth.*|docker.*|br-.*|ifb.*|cni.*|flannel.*|cali.*"

HOST = Profile(
    engine="node",
    title="node_exporter",
    vantage=Vantage.ENGINE,
    model_label=None,
    heartbeat=metric("node_boot_time_seconds"),
    tested="1.11",
    series_fixed=1500,
    sources={
        s.HOST_CPU.key: source("node_cpu_seconds_total"),
        s.HOST_CPU_IDLE.key: source("node_cpu_seconds_total", mode="idle"),
        s.HOST_MEMORY.key: source("node_memory_MemTotal_bytes"),
        s.HOST_MEMORY_AVAILABLE.key: source("node_memory_MemAvailable_bytes"),
        s.HOST_DISK.key: source("node_filesystem_size_bytes", fstype=f"!{_PSEUDO}"),
        s.HOST_DISK_FREE.key: source("node_filesystem_avail_bytes", fstype=f"!{_PSEUDO}"),
        s.HOST_DISK_READONLY.key: source("node_filesystem_readonly"),
        s.HOST_RECEIVED.key: source("node_network_receive_bytes_total", device=f"!{_VIRTUAL}"),
        s.HOST_SENT.key: source("node_network_transmit_bytes_total", device=f"!{_VIRTUAL}"),
        s.HOST_LOAD.key: source("node_load1"),
    },
)
