import subprocess
import sys

import pytest

from pipeline.errors import StateError
from pipeline.kafka.exits import EXIT_STATUS, described, note_exits_in

LEAVE = """
import sys, pathlib
from pipeline.kafka.exits import ExitReason, leave, note_exits_in
note_exits_in(pathlib.Path(sys.argv[1]))
try:
    leave(ExitReason.FENCED)
finally:
    print("never reached")
"""


def test_leaving_ends_the_process_at_once_and_is_counted_by_reason(tmp_path):
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", LEAVE, str(tmp_path)], capture_output=True, text=True, check=False)
        assert done.returncode == EXIT_STATUS
        assert "never reached" not in done.stdout
        assert "fenced" in done.stdout + done.stderr
    assert note_exits_in(tmp_path) == {"fenced": 2}


def test_a_folder_without_a_note_has_no_exits(tmp_path):
    assert note_exits_in(tmp_path) == {}


@pytest.mark.parametrize(
    ("error", "is_shown"),
    [
        pytest.param(StateError("rows cannot be read"), True, id="our own"),
        pytest.param(ValueError("cannot parse '+1 415 555 0132'"), False, id="somebody else's may quote a record"),
    ],
)
def test_only_errors_that_quote_no_record_are_shown_in_words(error, is_shown):
    assert (str(error) in described(error)) == is_shown
    assert type(error).__name__ in described(error)
