"""What each contender of the scan table reports: counted from the first message it saw to the last."""

import json
import os
import re
import sys
import time
from pathlib import Path


def peak_bytes() -> int:
    """Peak resident size of this process. Not ru_maxrss: a child inherits that from the process that started it."""
    with Path("/proc/self/status").open(encoding="utf-8") as status:
        return int(re.search(r"VmHWM:\s+(\d+)", status.read())[1]) * 1024


class Measure:
    """Counts messages until `wanted`, then prints one JSON line and ends the process.

    CPU time is user and system time of this process, all threads; memory is its peak resident size.
    """

    def __init__(self, wanted: int) -> None:
        self.wanted = wanted
        self.seen = 0
        self.started_seconds = 0.0
        self.started_cpu_seconds = 0.0

    def count(self, messages: int) -> None:
        """Adds what arrived; the first call starts the clock and its messages are not counted."""
        if not self.started_seconds:
            self.started_seconds, self.started_cpu_seconds = time.perf_counter(), time.process_time()
            self.wanted -= messages
            return
        self.seen += messages
        if self.seen >= self.wanted:
            self.finish()

    def finish(self) -> None:
        """Prints the figures and leaves without waiting for any library's shutdown."""
        seconds = time.perf_counter() - self.started_seconds
        cpu_seconds = time.process_time() - self.started_cpu_seconds
        figures = {
            "messages": self.seen,
            "seconds": round(seconds, 4),
            "per_second": round(self.seen / seconds),
            "cpu_us_per_message": round(cpu_seconds / self.seen * 1e6, 2),
            "peak_bytes": peak_bytes(),
        }
        out = sys.__stdout__ or sys.stdout  # Faust puts its logger in the place of sys.stdout
        out.write(json.dumps(figures) + "\n")
        out.flush()
        os._exit(0)
