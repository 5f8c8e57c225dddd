"""The one exception tree, split by what the caller does next.

PipelineError     raised on purpose; caught as a whole only by the command line
- RecordError     one record is unusable: dead letter, and the stream goes on
- StateError      table and changelog disagree: the worker stops, since going on would emit wrong alerts
- SettingsError   a setting, topic or policy is missing or wrong: exit before joining the consumer group
- RecordingError  a recording is damaged or does not fit: exit, or skip and count when asked to
- UnreachableError the broker does not answer: exit after the time that the operator set
"""


class PipelineError(Exception):
    """Raised on purpose. Its text says what was wrong, where, and what to do, and quotes no input."""


class RecordError(PipelineError):
    """One record is unusable. `reason` is a fixed word for metrics and dead letters."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


class StateError(PipelineError):
    """Table and changelog disagree, or a row cannot be read."""


class SettingsError(PipelineError):
    """A setting, topic or policy is missing or out of range."""


class RecordingError(PipelineError):
    """A recording is damaged, incomplete or does not match its manifest."""


class UnreachableError(PipelineError):
    """The broker does not answer."""
