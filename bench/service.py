"""The real worker in a process of its own, which reports on itself once it has read enough.

python -m bench.service scan BROKER APP_ID PREFIX WANTED     scan alone: the judge step is replaced by one that rests
python -m bench.service judge BROKER APP_ID PREFIX WANTED    the signals that lie on the topic
python -m bench.service serve BROKER APP_ID PREFIX 0 PORT [PLACE]   everything, until it is told to stop
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from bench.peers.measure import Measure
from pipeline.kafka.batched import RawRecord
from pipeline.logs import configure_logs
from pipeline.runners.service import service_steps
from pipeline.runners.steps import JudgeResult, JudgeStep, Rows, ScanResult, ScanStep
from pipeline.runners.worker import run_worker
from pipeline.settings import DEVELOPMENT_PSEUDONYM_KEY, LogFormat, Settings


def resting_judge(rows: Rows, watermarks: Mapping[str, int], records: Sequence[RawRecord]) -> JudgeResult:  # noqa: ARG001 - a step's signature
    """Judges nothing."""
    return JudgeResult()


def counted_scan(step: ScanStep, measure: Measure) -> ScanStep:
    """The step, with its records counted."""

    def scan(records: Sequence[RawRecord]) -> ScanResult:
        result = step(records)
        measure.count(len(records))
        return result

    return scan


def counted_judge(step: JudgeStep, measure: Measure) -> JudgeStep:
    """The step; what a batch brought counts when the next one starts, after its transaction."""
    waiting = 0

    def judge(rows: Rows, watermarks: Mapping[str, int], records: Sequence[RawRecord]) -> JudgeResult:
        nonlocal waiting
        if waiting:
            measure.count(waiting)
        waiting = len(records)
        return step(rows, watermarks, records)

    return judge


def main() -> None:
    """Runs the worker as the arguments say."""
    mode, broker, app_id, prefix, wanted = sys.argv[1:6]
    settings = Settings(
        brokers=broker,
        app_id=app_id,
        topic_prefix=prefix,
        http_port=0 if mode != "serve" else int(sys.argv[6]),
        data_dir=Path(".ringfence/bench") / app_id / "".join(sys.argv[7:8]),
        pseudonym_key=DEVELOPMENT_PSEUDONYM_KEY,
        log_format=LogFormat.CONSOLE,
        log_level="error",
        unacked_limit_seconds=300.0,  # a contender that waits for its core does not hang
    )
    configure_logs(settings.log_format, settings.log_level)
    steps, _ = service_steps(settings)
    match mode:
        case "scan":
            steps = replace(steps, scan=counted_scan(steps.scan, Measure(int(wanted))), judge=resting_judge)
        case "judge":
            steps = replace(steps, judge=counted_judge(steps.judge, Measure(int(wanted))))
    run_worker(settings, steps)


if __name__ == "__main__":
    main()
