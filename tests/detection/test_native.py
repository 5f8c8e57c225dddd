"""Compiled or plain, detection gives the same answer."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.native import is_native

ROOT = Path(__file__).parents[2]
SCRIPT = """
import json
from pathlib import Path
from pipeline.detection.shipped import shipped_detector
from schemas.vocabulary import Sender
detector = shipped_detector()
print(detector.detect.__class__.__name__)
for path in sorted(Path("tests/corpus/seen").glob("*.jsonl")):
    for row in map(json.loads, path.read_text(encoding="utf-8").splitlines()[::7]):
        print(detector.detect(row["text"], Sender(row["sender"]), (row["marketplace"],)))
"""


def detections(**environment: str) -> list[str]:
    command = [sys.executable, "-c", SCRIPT]
    run = subprocess.run(
        command, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, check=True, timeout=120
    )
    return run.stdout.splitlines()


@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler: there is only plain Python")
def test_compiled_and_plain_detection_agree_whatever_the_order_of_sets():
    assert is_native("detection"), "make setup compiles it"
    native, plain = detections(PYTHONHASHSEED="1"), detections(PURE_PYTHON="1", PYTHONHASHSEED="2")
    assert native[0] != plain[0], "one of them is compiled"
    assert len(plain) > 500
    assert native[1:] == plain[1:]
