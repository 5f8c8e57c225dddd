import subprocess
import sys

import pytest

TWO_PASSAGES = """
from pipeline.kafka.crash_points import crash_point
for _ in range(2):
    crash_point("judge", "after_commit")
"""


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        pytest.param("", 0, id="off"),
        pytest.param("judge.after_commit", -9, id="first passage"),
        pytest.param("judge.after_commit:2", -9, id="second passage"),
        pytest.param("judge.after_commit:3", 0, id="not so often"),
        pytest.param("scan.after_commit", 0, id="another place"),
    ],
)
def test_the_process_dies_at_the_passage_that_was_asked_for(asked, status):
    environment = {"RINGFENCE_CRASH_AT": asked, "PYTHONPATH": "."}
    assert subprocess.run([sys.executable, "-c", TWO_PASSAGES], env=environment, check=False).returncode == status
