"""The house stays as design.md section 7 draws it: imports point to the left only."""

import ast
from pathlib import Path

import pytest

from pipeline import native

ROOT = Path(__file__).parents[2]
ORDER = [
    {"schemas"},
    {"pipeline.errors", "pipeline.faults", "pipeline.native", "pipeline.yaml_tree"},
    {"pipeline.detection", "pipeline.policy"},
    {"pipeline.judgement"},
    {"pipeline.settings", "pipeline.metrics", "pipeline.logs", "pipeline.kafka"},
    {"pipeline.runners"},
    {"pipeline.cli"},
]
# `settings, metrics, kafka` stand on one step of the drawing; among themselves kafka may use the other two.
BESIDE = {
    ("pipeline.kafka", "pipeline.settings"),
    ("pipeline.kafka", "pipeline.metrics"),
    ("pipeline.logs", "pipeline.settings"),
}
PURE = ("detection", "policy", "judgement")
IMPURE_MODULES = {"time", "random", "os", "socket", "logging", "structlog", "secrets", "uuid", "subprocess", "asyncio"}
LEVEL = {room: level for level, rooms in enumerate(ORDER) for room in rooms}
MODULES = sorted([*ROOT.glob("schemas/**/*.py"), *ROOT.glob("pipeline/**/*.py")])


def imported_modules(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names if node.module == "pipeline")
    return found


def room_of(module: str) -> str | None:
    if module.split(".", maxsplit=1)[0] == "schemas":
        return "schemas"
    return ".".join(module.split(".")[:2]) if module.startswith("pipeline.") else None


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_imports_point_to_the_left_only(path):
    here = room_of(module_name(path))
    if here == "pipeline.__init__":
        assert not path.read_text(encoding="utf-8")
        return
    for module in imported_modules(path):
        there = room_of(module)
        if there is None or there == here:
            continue
        assert LEVEL[there] < LEVEL[here] or (here, there) in BESIDE, f"{here} imports {module}"


@pytest.mark.parametrize("path", [path for path in MODULES if set(path.parts) & set(PURE)], ids=module_name)
def test_pure_rooms_touch_no_clock_chance_process_or_log(path):
    assert not {module.split(".")[0] for module in imported_modules(path)} & IMPURE_MODULES


@pytest.mark.parametrize("path", sorted(ROOT.glob("pipeline/**/__init__.py")), ids=module_name)
def test_the_import_path_is_the_address(path):
    text = path.read_text(encoding="utf-8")
    if path.parent.name in native.ROOMS:
        assert text.count("\n") == 3, "it says where the room's modules are, compiled or plain, and no more"
    else:
        assert not text
