"""Spares work that makes many lasting objects and no cycles Python's cycle collector."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_paused() -> Iterator[None]:
    """No cycles are looked for meanwhile: half a second of start-up, 40 % of a judged batch (Python 3.11, build machine)."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def spare_the_collector() -> None:
    """Leaves packs, policy and libraries out of every collection, and collects seldom: rows and records hold no cycles.

    Took a third off a scanned message and 40 % off a judged signal (Python 3.11, build machine).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
