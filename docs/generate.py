"""Writes the pages of docs/ that are made from the code; a test compares them with what lies there.

python docs/generate.py          writes them
"""

import json
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

import schemas
from pipeline.kafka.topics import Input, Output
from pipeline.metrics import describe_metrics
from pipeline.settings import describe_settings

DOCS = Path(__file__).parent
MODELS: dict[str, type[BaseModel]] = {
    name: model
    for name in schemas.__all__
    if isinstance(model := getattr(schemas, name), type) and issubclass(model, BaseModel)
}
CHANNELS: dict[Input | Output, tuple[str, str]] = {
    Input.MESSAGES: ("Message", "Messages between buyers and sellers. Any key; `seller_id` is best."),
    Input.ORDERS: ("Order", "Orders reach a stage."),
    Input.COMPLAINTS: ("Complaint", "Buyers' complaints to the marketplace."),
    Input.VERIFICATIONS: ("Verification", "The platform's own check of a seller changes."),
    Input.REVIEWS: ("Review", "Public ratings."),
    Input.REPORTS: ("Report", "Buyers' reports of a seller's conduct."),
    Input.OUTCOMES: ("Outcome", "Analysts' decisions on alerts and findings."),
    Input.ERASURES: ("Erasure", "People who asked to be forgotten."),
    Input.POLICY: (
        "PolicyPublished",
        "Policy books; the last one holds. Compacted, one key; `ringfence policy publish`.",
    ),
    Output.SIGNALS: ("Signal", "The signal log, keyed by seller: what scan tells the judge. The log is the truth."),
    Output.FINDINGS: ("Finding", "The verdict on one message; the highest revision holds. Keyed by seller."),
    Output.ALERTS: ("Alert", "Verify this seller again; one episode per seller, told in revisions. Keyed by seller."),
    Output.ADVISORIES: ("Advisory", "What a buyer should know, or a seller should do. Keyed by seller."),
    Output.SHADOW: ("Shadowed", "What a candidate policy judged beside the one in force. Keyed by seller."),
    Output.DEAD_LETTERS: (
        "DeadLetter",
        "Unusable records, whole, with these fields as headers `ringfence-…`. The one topic with original text.",
    ),
}


def pages() -> dict[str, str]:
    """Every generated page: path below docs/ -> content."""
    made = {f"schemas/{name}.json": json_text(model.model_json_schema()) for name, model in sorted(MODELS.items())}
    made["schemas/Signal.json"] = json_text(schemas.SignalAdapter.json_schema())
    made["asyncapi.yaml"] = yaml.safe_dump(asyncapi(), sort_keys=False, allow_unicode=True, width=120)
    made["metrics.md"] = table_page(
        "Metrics", "On `/metrics` of every worker.", ("Metric", "Kind", "Labels", "What it counts"), describe_metrics()
    )
    made["settings.md"] = table_page(
        "Settings",
        "From the environment, or from the YAML file that `RINGFENCE_SETTINGS_FILE` names (there in lower case and "
        "without the prefix). The environment wins.",
        ("Variable", "Kind", "Default", "What it does"),
        describe_settings(),
    )
    return made


def json_text(schema: dict[str, Any]) -> str:
    """A JSON Schema as it lies in docs/schemas."""
    return json.dumps(schema, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def table_page(title: str, lead: str, head: tuple[str, ...], rows: list[tuple[str, str, str, str]]) -> str:
    """A page with one table; the first column is code."""
    lines = [f"# {title}", "", f"{lead} Made by `make docs`.", "", f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    lines += [f"| `{first}` | {' | '.join(rest)} |" for first, *rest in rows]
    return "\n".join(lines) + "\n"


def asyncapi() -> dict[str, Any]:
    """AsyncAPI 3 of all topics: what Ringfence receives and what it sends."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Ringfence",
            "version": "1",
            "description": "Consumers of ringfence.* topics read with isolation.level=read_committed.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {channel_name(topic): channel(topic, *CHANNELS[topic]) for topic in CHANNELS},
        "operations": {operation_name(topic): operation(topic) for topic in CHANNELS},
    }


def channel_name(topic: Input | Output) -> str:
    """`marketplace.messages.v1` -> `marketplace-messages`."""
    return topic.removesuffix(".v1").replace(".", "-")


def channel(topic: Input | Output, model: str, description: str) -> dict[str, Any]:
    """One topic with the record it carries."""
    return {
        "address": str(topic),
        "description": description,
        "messages": {model: {"name": model, "payload": {"$ref": f"./schemas/{model}.json"}}},
    }


def action(topic: Input | Output) -> str:
    """What Ringfence does with a topic."""
    return "receive" if isinstance(topic, Input) else "send"


def operation_name(topic: Input | Output) -> str:
    """`receive-marketplace-messages`."""
    return f"{action(topic)}-{channel_name(topic)}"


def operation(topic: Input | Output) -> dict[str, Any]:
    """One operation, pointing at its channel."""
    return {"action": action(topic), "channel": {"$ref": f"#/channels/{channel_name(topic)}"}}


def write() -> None:
    """Writes every page."""
    for path, content in pages().items():
        file = DOCS / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")


if __name__ == "__main__":
    write()
