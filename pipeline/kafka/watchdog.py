"""Who notices a worker that hangs: a thread that looks once a second and ends the process by name.

Faust's known failure is to go quiet without crashing: a task that ended unseen, a recovery that waits for ever, a
message that was cleared from a queue. A thread, for a blocked event loop would block a task that watches it.
"""

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import structlog

from pipeline.kafka.exits import ExitReason, leave

log = structlog.get_logger()

LOOK_EVERY_SECONDS = 1.0
BEAT_EVERY_SECONDS = 0.25
LEAST_LOOP_LAG_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Limits:
    """For how long each state may last."""

    unacked_seconds: float
    rebalance_seconds: float
    commit_seconds: float
    loop_lag_seconds: float
    broker_gone_seconds: float = 600.0
    """A worker whose broker is away waits, for a restart would not help it."""


@dataclass(frozen=True, slots=True)
class Vitals:
    """What the watchdog sees at one look."""

    oldest_unacked_seconds: float
    batches_out: int
    is_rebalancing: bool
    last_commit_at: float
    """Monotonic."""
    recovery_remaining: int = 0
    """Changelog records that recovery has yet to read: while it shrinks, recovery may take its time."""


class Watched(Protocol):
    """Who can be looked at, from another thread."""

    def vitals(self) -> Vitals:
        """The state right now."""

    def broker_answers(self) -> bool:
        """Whether a broker accepts connections; may block for a few seconds."""


class Judgement:
    """Decides from one look after the other whether the worker hangs; pure but for its memory."""

    def __init__(self, limits: Limits, now: float) -> None:
        self._limits = limits
        self._rebalancing_since: float | None = None
        self._recovery_remaining = 0
        self._delivering_since = now

    def fault(self, vitals: Vitals, now: float) -> ExitReason | None:
        """Why the worker must end; `None` while it is well."""
        if vitals.is_rebalancing:
            if self._rebalancing_since is None or vitals.recovery_remaining != self._recovery_remaining:
                self._rebalancing_since = now
            self._recovery_remaining = vitals.recovery_remaining
            self._delivering_since = now
            return ExitReason.REBALANCE if now - self._rebalancing_since > self._limits.rebalance_seconds else None
        self._rebalancing_since = None
        if vitals.oldest_unacked_seconds > self._limits.unacked_seconds:
            return ExitReason.UNACKED
        if vitals.batches_out == 0:
            self._delivering_since = now
        waiting_since = max(self._delivering_since, vitals.last_commit_at)
        return ExitReason.COMMITS_STAND_STILL if now - waiting_since > self._limits.commit_seconds else None


class Watchdog:
    """The thread, and the heartbeat of the event loop that it listens to."""

    def __init__(self, watched: Watched, limits: Limits, on_look: Callable[[Vitals, float], None]) -> None:
        self._watched = watched
        self._limits = limits
        self._on_look = on_look
        self._beat_at = time.monotonic()
        self._gone_since: float | None = None
        self._gone_last_seen = -float("inf")
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._look, name="watchdog", daemon=True)

    async def beat(self) -> None:
        """The loop's heartbeat; runs for ever as a task."""
        while True:
            self._beat_at = time.monotonic()
            await asyncio.sleep(BEAT_EVERY_SECONDS)

    def start(self) -> None:
        """Begins to watch."""
        self._beat_at = time.monotonic()
        self._thread.start()

    def stop(self) -> None:
        """Ends the watch: the worker is stopping in good order."""
        self._stopped.set()

    def _look(self) -> None:
        judgement = Judgement(self._limits, time.monotonic())
        while not self._stopped.wait(LOOK_EVERY_SECONDS):
            try:
                self._look_once(judgement, time.monotonic())
            except RuntimeError:
                continue  # partitions moved under the look; the next one sees them at rest
            except BaseException as error:  # noqa: BLE001 - a worker must not go on unwatched
                leave(ExitReason.UNWATCHED, error)

    def _look_once(self, judgement: Judgement, now: float) -> None:
        lag = now - self._beat_at
        if lag > self._limits.loop_lag_seconds:
            leave(ExitReason.LOOP_LAG, lag_seconds=round(lag, 1))
        vitals = self._watched.vitals()
        self._on_look(vitals, lag)
        fault = judgement.fault(vitals, now)
        if fault is not None and not self._is_brokers_fault(now):
            leave(fault, oldest_unacked_seconds=round(vitals.oldest_unacked_seconds, 1), batches=vitals.batches_out)

    def _is_brokers_fault(self, now: float) -> bool:
        if not self._watched.broker_answers():
            if self._gone_since is None:
                log.warning("broker_unreachable", waits_seconds=self._limits.broker_gone_seconds)
                self._gone_since = now
            self._gone_last_seen = now
            if now - self._gone_since > self._limits.broker_gone_seconds:
                leave(ExitReason.BROKER_GONE)
            return True
        self._gone_since = None
        # It is back, or was never away. What was stuck gets a full limit of time to move again.
        return now - self._gone_last_seen < self._limits.unacked_seconds
