"""Where things stand in a YAML file, for whoever has to tell its author."""

from collections.abc import Iterator
from typing import Any

import yaml

Place = tuple[int | str, ...]
"""The keys and list indices that lead to a value."""


def parsed(text: str, loader_of: Any) -> tuple[yaml.Node | None, Any]:
    """The nodes of a YAML text, which know their lines, and its content as the loader makes it.

    Raises:
        yaml.YAMLError: it is none.
    """
    loader = loader_of(text)
    try:
        tree = loader.get_single_node()
        return tree, loader.construct_document(tree) if tree is not None else None
    finally:
        loader.dispose()


def line_of(tree: yaml.Node | None, place: Place) -> int:
    """The line of a field, from 1, or of the nearest field around it; 0 in an empty file."""
    return _nearest(tree, place)[0]


def stands(tree: yaml.Node | None, place: Place) -> bool:
    """Whether the file has the field."""
    return _nearest(tree, place)[1]


def _nearest(tree: yaml.Node | None, place: Place) -> tuple[int, bool]:
    """The line of the nearest field, and whether it is the one."""
    node, line = tree, tree.start_mark.line + 1 if tree is not None else 0
    for step in place:
        if isinstance(node, yaml.MappingNode):
            pair = next(((key, value) for key, value in node.value if key.value == str(step)), None)
            if pair is None:
                return line, False
            line, node = pair[0].start_mark.line + 1, pair[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
            line = node.start_mark.line + 1
        else:
            return line, False
    return line, True


def repeated_keys(tree: yaml.Node | None) -> Iterator[tuple[Place, str]]:
    """Keys that a mapping has twice, each with what to tell: YAML readers keep the last one and say nothing.

    Each node is looked at once: aliases make a tree that has no end, or one that grows with every line.
    """
    seen: set[int] = set()
    left: list[tuple[yaml.Node | None, Place]] = [(tree, ())]
    for node, place in left:  # it grows meanwhile
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            known: set[str] = set()
            for key, value in node.value:
                here = (*place, str(key.value))
                if key.value in known:
                    yield here, f"is there again on line {key.start_mark.line + 1}: join the two"
                known.add(key.value)
                left.append((value, here))
        elif isinstance(node, yaml.SequenceNode):
            left.extend((value, (*place, number)) for number, value in enumerate(node.value))
