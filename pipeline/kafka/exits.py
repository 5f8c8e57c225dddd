"""How the worker ends when it is in doubt: at once, with a named reason and status 70.

Its supervisor starts it again; the log is the truth. Nothing is flushed or committed on the way out.
"""

import contextlib
import json
import os
import sys
import traceback
from enum import StrEnum
from pathlib import Path
from typing import NoReturn

import structlog

log = structlog.get_logger()

EXIT_STATUS = 70
"""EX_SOFTWARE of sysexits.h: start me again."""
NOTE_FILE = "exits.json"
SHOWN_FRAMES = 4
LIBRARIES_THAT_QUOTE_NO_RECORD = frozenset({"pipeline", "aiokafka", "kafka", "faust", "mode"})

_note_folder: list[Path] = []


class ExitReason(StrEnum):
    """Why a worker ended itself."""

    FENCED = "fenced"
    """Another worker has the partition."""
    UNKNOWN_COMMIT = "unknown_commit"
    """Nobody knows whether a transaction was committed."""
    STEP_FAILED = "step_failed"
    """Scan or judge raised: a fault in the program, for bad records become dead letters."""
    STORE_FAILED = "store_failed"
    """The local store cannot be written or read: disk full or damaged."""
    STORE_AHEAD = "store_ahead"
    """The local store knows more than the changelog, which was created anew; the store has been wiped."""
    TOPIC_MADE_ANEW = "topic_made_anew"
    """An input topic was deleted and created again: the offsets of the old one say nothing of it."""
    ASSIGNMENT_FAILED = "assignment_failed"
    """The fenced producers could not be opened."""
    UNACKED = "unacked"
    """A delivered batch stays unacknowledged."""
    REBALANCE = "rebalance"
    """A rebalance or recovery does not end."""
    COMMITS_STAND_STILL = "commits_stand_still"
    """Batches are delivered, and no commit returns."""
    LOOP_LAG = "loop_lag"
    """The event loop does not come round, or the process was suspended."""
    FAUST_CRASHED = "faust_crashed"
    """A service of Faust ended by an exception."""
    RECOVERY_FAILED = "recovery_failed"
    """Faust swallowed an error in recovery."""
    BROKER_GONE = "broker_gone"
    """The brokers have not answered for too long."""
    UNWATCHED = "unwatched"
    """The watchdog itself failed."""
    STOP_TOO_SLOW = "stop_too_slow"
    """The graceful stop did not end in time."""


def note_exits_in(folder: Path) -> dict[str, int]:
    """Remembers exits in that folder from now on; how often each reason ended earlier runs comes back."""
    _note_folder[:] = [folder]
    try:
        noted = json.loads((folder / NOTE_FILE).read_text())
    except (OSError, ValueError):
        return {}
    return {str(reason): int(count) for reason, count in noted.items()} if isinstance(noted, dict) else {}


def leave(reason: ExitReason, error: BaseException | None = None, **fields: object) -> NoReturn:
    """Ends the process now. Whoever calls this from a task must not be waited for."""
    log.critical("worker_exits", reason=str(reason), error=described(error), **fields)
    with contextlib.suppress(OSError):
        _note(reason)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(EXIT_STATUS)


def described(error: BaseException | None) -> str | None:
    """Class and place of an exception, with its text only where that is known to quote no record."""
    if error is None:
        return None
    frames = traceback.extract_tb(error.__traceback__)[-SHOWN_FRAMES:]
    place = "".join(f" < {Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames))
    is_quiet = type(error).__module__.partition(".")[0] in LIBRARIES_THAT_QUOTE_NO_RECORD
    cause = f" (from {type(error.__cause__).__name__})" if error.__cause__ else ""
    return f"{type(error).__name__}{f': {error}' if is_quiet else ''}{cause}{place}"


def _note(reason: ExitReason) -> None:
    for folder in _note_folder:
        noted = note_exits_in(folder)
        noted[reason] = noted.get(reason, 0) + 1
        folder.mkdir(parents=True, exist_ok=True)
        (folder / NOTE_FILE).write_text(json.dumps(noted))
