"""A YAML file that says on which line something is wrong."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NoReturn

import yaml

from pipeline.errors import SettingsError
from pipeline.yaml_tree import line_of, parsed, repeated_keys


class PackError(SettingsError):
    """A pack is wrong: file, line and what would be right."""


@dataclass(frozen=True)
class Source:
    """The text of a pack."""

    path: Path
    text: str

    def parsed(self) -> Any:
        """Mappings, lists and texts.

        Raises:
            PackError: it is no YAML, or has a key twice.
        """
        for where, what in repeated_keys(self._tree):
            self.refuse(what, where)
        return self._read[1]

    def refuse(self, what: str, where: tuple[Any, ...]) -> NoReturn:
        """Says what is wrong at a place in the tree.

        Raises:
            PackError: always.
        """
        raise PackError(f"{self.path.name}:{self.line(where)}: {'.'.join(map(str, where))}: {what}")

    def line(self, where: tuple[Any, ...]) -> int:
        """Line of a place in the tree, from 1; that of its nearest known ancestor where it is not there."""
        return line_of(self._tree, where)

    @property
    def _tree(self) -> yaml.Node | None:
        return self._read[0]

    @cached_property
    def _read(self) -> tuple[yaml.Node | None, Any]:
        try:
            # The base loader makes every scalar text: "no", "on", "null" and "0" are words here.
            return parsed(self.text, yaml.CBaseLoader)
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            line = mark.line + 1 if mark else 1
            raise PackError(f"{self.path.name}:{line}: no YAML: {getattr(error, 'problem', 'unreadable')}") from error

    def mapping(self, value: Any, what: str, where: tuple[Any, ...]) -> Mapping[str, Any]:
        """The value, refused unless it is a mapping."""
        if not isinstance(value, dict):
            self.refuse(f"{what} must be a mapping", where)
        return value

    def known(self, mapping: Mapping[str, Any], allowed: frozenset[Any], what: str, where: tuple[Any, ...]) -> None:
        """Refuses a mapping with other keys than these."""
        for key in mapping:
            if key not in allowed:
                self.refuse(f"no such {what}; known are {', '.join(sorted(map(str, allowed)))}", (*where, key))

    def texts(self, value: Any, where: tuple[Any, ...]) -> list[str]:
        """The value, refused unless it is a list of texts."""
        if not isinstance(value, list):
            self.refuse("must be a list", where)
        for number, text in enumerate(value):
            if not isinstance(text, str) or not text.strip():
                self.refuse("must be text; put it in quotes", (*where, number))
        return value

    def one_of(self, value: Any, allowed: frozenset[Any], where: tuple[Any, ...]) -> str:
        """The value, refused unless it is one of these."""
        if value not in allowed:
            self.refuse(f"must be one of {', '.join(sorted(allowed))}", where)
        return str(value)
