"""Dask workers on this machine: their share of memory, cores and graphics cards, and nobody else's way in."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import dask.config
import distributed
from dask.system import CPU_COUNT
from distributed.security import Security

from napari_blind_deconv._torch import torch
from napari_blind_deconv._types import InputError
from napari_blind_deconv.machine import free_bytes

from .cluster import PLANNED, SHARE

# Bytes: what a worker holds beside what it plans for, and the least that it can do anything with.
_BESIDE, _LEAST = 5e8, 1e9
_START = 120  # seconds for a worker to start
_LOOPBACK = "127.0.0.1"
_DASHBOARD = 8787


@contextmanager
def local_cluster(count: int, device: str, max_memory_gb: float | None, *, dashboard: bool) -> Iterator[Any]:
    """A scheduler in this process, and workers of one thread in processes of their own.

    They talk on the loopback device, with certificates that live as long as they do: else whoever is on the same
    machine could have a worker do anything.

    Parameters
    ----------
    count
        Workers.
    device
        As of the settings.
    max_memory_gb
        What each may plan for; by default its share of what is free.
    dashboard
        Whether Dask's page is served, on the loopback device.

    Raises
    ------
    InputError
        Where memory or graphics cards do not suffice.
    """
    cards, limit = cards_of(count, device), memory_limit(count, max_memory_gb)
    with tempfile.TemporaryDirectory(prefix="blind-deconv-", ignore_cleanup_errors=True) as scratch:
        security = Security.temporary()
        options = {
            "security": security,
            "nthreads": 1,
            "memory_limit": limit,
            "host": _LOOPBACK,
            "protocol": "tls://",
            "local_directory": scratch,
            "dashboard": dashboard,
            "dashboard_address": f"{_LOOPBACK}:0",
            "preload": "napari_blind_deconv.batch.worker",
            "silence_logs": logging.CRITICAL,
            "death_timeout": _START,
        }
        workers = {
            number: {
                "cls": distributed.Nanny,
                "options": options | ({"env": {"CUDA_VISIBLE_DEVICES": cards[number]}} if cards else {}),
            }
            for number in range(count)
        }
        scheduler = {
            "cls": distributed.Scheduler,
            "options": {
                "security": security,
                "host": _LOOPBACK,
                "port": 0,
                "protocol": "tls://",
                "dashboard": dashboard,
                "dashboard_address": f"{_LOOPBACK}:{_DASHBOARD if dashboard else 0}",
            },
        }
        with (
            dask.config.set(_settings(dashboard=dashboard)),
            distributed.SpecCluster(
                workers=workers,
                scheduler=scheduler,
                security=security,
                silence_logs=logging.CRITICAL,
            ) as cluster,
        ):
            yield cluster


def threads_of(count: int) -> int:
    """Threads of each of so many workers: together no more than there are cores, nor than this process was given.

    Examples
    --------
    >>> threads_of(10**6)
    1
    """
    return max(1, min(torch.get_num_threads(), CPU_COUNT // count))


def memory_limit(count: int, max_memory_gb: float | None) -> int:
    """At how many bytes a worker is ended by force; it plans for `cluster.PLANNED` of that, or for what was said.

    Raises
    ------
    InputError
        Where so many workers do not fit.
    """
    free = SHARE * free_bytes()
    if max_memory_gb is None:
        limit = free / count
        if limit < _LEAST:
            raise InputError(
                subject="workers",
                value=f"{count} leave {limit / 1e9:.1f} GB of memory for each",
                allowed=f"must leave {_LEAST / 1e9:.0f} GB",
                remedy=f"choose at most {max(1, int(free // _LEAST))}, or close other programs",
            )
        return int(limit)
    said = 1e9 * max_memory_gb
    if count > 1 and count * said > free:
        raise InputError(
            subject="max_memory_gb",
            value=f"{max_memory_gb:g} for each of {count} workers is more than the {free / 1e9:.1f} GB that are free",
            remedy="choose fewer `workers`, or allow each of them less",
        )
    return int(max(said / PLANNED, said + _BESIDE))


def cards_of(count: int, device: str) -> list[str]:
    """The graphics card of every worker; nothing where there is none, or none is wanted.

    Raises
    ------
    InputError
        Where there are fewer cards than workers.
    """
    if device not in ("auto", "cuda") or not torch.cuda.is_available():
        return []
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    there = [str(index) for index in range(torch.cuda.device_count())] if named is None else named.split(",")
    if count > len(there):
        raise InputError(
            subject="workers",
            value=f"{count} for {len(there)} graphics {'card' if len(there) == 1 else 'cards'}",
            allowed="must be one a card",
            remedy=f"choose at most {len(there)}, or `device=cpu`",
        )
    return there[:count]


def _settings(*, dashboard: bool) -> dict[str, Any]:
    memory = dict.fromkeys(("target", "spill", "pause"), False) | {"terminate": 0.95}
    settings: dict[str, Any] = {f"distributed.worker.memory.{name}": value for name, value in memory.items()}
    # A task more than there are threads would be blamed for the death of its neighbour's worker.
    settings["distributed.scheduler.worker-saturation"] = 1.0
    # Dask's value makes the allocator give every large array back at once, and map its pages anew: twice the time.
    settings["distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_"] = None
    settings["distributed.deploy.lost-worker-timeout"] = f"{_START}s"
    settings["distributed.worker.multiprocessing-method"] = "spawn"
    if not dashboard:
        settings |= {"distributed.scheduler.http.routes": [], "distributed.worker.http.routes": []}
    return settings
