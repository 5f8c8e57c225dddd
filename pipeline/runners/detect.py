"""Messages as JSON lines to detections as JSON lines, one for one and in order: `ringfence detect`."""

from collections.abc import Iterable, Iterator
from typing import Annotated

import orjson
from pydantic import Field, ValidationError

from pipeline.detection.report import as_detect_line
from pipeline.detection.shipped import shipped_detector
from schemas.events import BODY_MAX_CHARACTERS, Event
from schemas.ids import CountryCode
from schemas.vocabulary import Sender


class Draft(Event):
    """A message of which only text and sender are needed."""

    message_id: str | None = None
    sender: Sender
    body: Annotated[str, Field(max_length=BODY_MAX_CHARACTERS)]
    subject: str | None = None
    marketplace: CountryCode | None = None


def detected_lines(lines: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    """For each line its answer and whether it was a message; one that was not is answered by what is wrong with it."""
    detector = shipped_detector()
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            draft = Draft.model_validate_json(line)
        except ValidationError as error:
            yield orjson.dumps({"line": number, "error": fault_text(error)}), False
            continue
        regions = (draft.marketplace,) if draft.marketplace else ()
        detection = detector.detect(draft.body, draft.sender, regions)
        yield orjson.dumps(as_detect_line(draft.message_id, detection)), True


def fault_text(error: ValidationError) -> str:
    """What is wrong with a line, without quoting it."""
    faults = error.errors(include_url=False, include_input=False, include_context=False)
    return "; ".join(f"{'.'.join(map(str, fault['loc'])) or 'line'}: {fault['msg']}" for fault in faults)
