"""What the terminal says of an alert."""

from pathlib import Path

import pytest
from rich.console import Console

from pipeline.runners.watch import alert_panel
from schemas.outputs import Alert

ALERTS = Path(__file__).parents[1] / "systems/late_orders/expected/alerts.jsonl"
WITHDRAWN = next(
    alert
    for alert in map(Alert.model_validate_json, ALERTS.read_bytes().splitlines())
    if alert.is_withdrawn and alert.is_closed
)


@pytest.mark.parametrize(
    ("changes", "title", "to_do"),
    [
        pytest.param({}, "withdrawn", "nothing: orders that came late", id="withdrawn"),
        pytest.param({"is_withdrawn": False}, "closed", "nothing more", id="closed"),
        pytest.param({"is_withdrawn": False, "is_closed": False}, "revision 1", "review by", id="revised"),
        pytest.param({"is_withdrawn": False, "is_closed": False, "revision": 0}, "new alert", "review by", id="new"),
    ],
)
def test_an_alert_says_what_it_is_and_what_to_do(changes, title, to_do):
    console = Console(width=100)
    with console.capture() as told:
        console.print(alert_panel(WITHDRAWN.model_copy(update=changes)))
    assert f", {title} " in told.get()
    assert to_do in told.get()
    assert ("review by" in told.get()) is (to_do == "review by")
