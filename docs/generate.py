"""Writes the pages of docs/ that are made from the code; a test compares them with what lies there.

    python docs/generate.py          writes them
"""

import json
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

import schemas
from pipeline.kafka.topics import TopicSpec, input_topics, output_topics
from pipeline.metrics import describe_metrics
from pipeline.settings import describe_settings

DOCS = Path(__file__).parent
MODELS: dict[str, type[BaseModel]] = {
    name: model
    for name in schemas.__all__
    if isinstance(model := getattr(schemas, name), type) and issubclass(model, BaseModel)
}
MODEL_OF_TOPIC = {
    "marketplace.messages.v1": "Message",
    "marketplace.orders.v1": "Order",
    "marketplace.complaints.v1": "Complaint",
    "marketplace.verifications.v1": "Verification",
    "marketplace.reviews.v1": "Review",
    "marketplace.reports.v1": "Report",
    "marketplace.outcomes.v1": "Outcome",
    "marketplace.erasures.v1": "Erasure",
    "ringfence.signals.v1": "Signal",
    "ringfence.findings.v1": "Finding",
    "ringfence.alerts.v1": "Alert",
    "ringfence.advisories.v1": "Advisory",
    "ringfence.dead-letters.v1": "DeadLetter",
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
        "From the environment, or from the YAML file that `RINGFENCE_SETTINGS_FILE` names (there without the prefix, in "
        "lower case). The environment wins.",
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
    lines += [f"| `{first}` | {' | '.join(text.replace('|', '\\|') for text in rest)} |" for first, *rest in rows]
    return "\n".join(lines) + "\n"


def asyncapi() -> dict[str, Any]:
    """AsyncAPI 3 of all topics: what Ringfence receives and what it sends."""
    received, sent = input_topics(), output_topics()
    specs = [*received, *sent]
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Ringfence",
            "version": "1",
            "description": "Consumers of ringfence.* topics read with isolation.level=read_committed.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {channel_name(spec): channel(spec) for spec in specs},
        "operations": {
            **{f"receive-{channel_name(spec)}": operation("receive", spec) for spec in received},
            **{f"send-{channel_name(spec)}": operation("send", spec) for spec in sent},
        },
    }


def channel_name(spec: TopicSpec) -> str:
    """`marketplace.messages.v1` -> `marketplace-messages`."""
    return spec.name.removesuffix(".v1").replace(".", "-")


def channel(spec: TopicSpec) -> dict[str, Any]:
    """One topic with the record it carries."""
    model = MODEL_OF_TOPIC[spec.name]
    return {
        "address": spec.name,
        "description": spec.description,
        "messages": {model: {"name": model, "payload": {"$ref": f"./schemas/{model}.json"}}},
    }


def operation(action: str, spec: TopicSpec) -> dict[str, Any]:
    """What Ringfence does with a topic."""
    return {"action": action, "channel": {"$ref": f"#/channels/{channel_name(spec)}"}}


def write() -> None:
    """Writes every page."""
    for path, content in pages().items():
        file = DOCS / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")


if __name__ == "__main__":
    write()
