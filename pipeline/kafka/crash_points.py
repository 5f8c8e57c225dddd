"""Where a test may kill the worker: `RINGFENCE_CRASH_AT=judge.after_commit:3` is SIGKILL at the third passage.

Places are `scan` and `judge`, and `worker` for recovery and assignment; points are before_begin, after_send,
after_gather, after_commit, after_local_write, after_ack, in_recovery and in_assign. Without the variable a passage
costs one comparison.
"""

import os
import signal

CRASH_AT, _, _count = os.environ.get("RINGFENCE_CRASH_AT", "").partition(":")
_passages_left = [int(_count or 1)]


def crash_point(place: str, point: str) -> None:
    """Ends the process as a power cut would, when the test asked for this point."""
    if not CRASH_AT or f"{place}.{point}" != CRASH_AT:
        return
    _passages_left[0] -= 1
    if _passages_left[0] <= 0:
        os.kill(os.getpid(), signal.SIGKILL)
