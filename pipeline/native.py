"""The rooms of the hot path as machine code: compiled by mypyc where a C compiler is, plain Python where none is.

    python -m pipeline.native

A build is kept under the digest of the sources it was made from, so that it is used for these and no others.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

_HERE = Path(__file__).parent
ROOMS = ("detection",)
_PLAIN = ("__init__", "checks", "fold", "packs", "shipped", "sources", "validators", "wording")
"""Modules that no message passes through, and such as mypyc cannot compile."""
_SETUP = """\
from mypyc.build import mypycify
from setuptools import setup
setup(name="native", ext_modules=mypycify(["--config-file=pyproject.toml", *{modules}], opt_level="3", debug_level="0"))
"""


def with_native(room: str, path: list[str]) -> list[str]:
    """Where Python looks for a room's modules: in the build of exactly these sources first, where there is one.

    `PURE_PYTHON=1` in the environment leaves builds aside.
    """
    if not is_native(room):
        return path
    build = _build_folder()
    if str(build) not in sys.path:
        sys.path.append(str(build))  # the modules share a library
    return [str(build / room), *path]


def is_native(room: str) -> bool:
    """Whether the room's modules are compiled."""
    return not os.environ.get("PURE_PYTHON") and (_build_folder() / room).is_dir()


def _sources() -> tuple[Path, ...]:
    return tuple(path for room in ROOMS for path in sorted((_HERE / room).glob("*.py")) if path.stem not in _PLAIN)


@cache
def _build_folder() -> Path:
    digest = hashlib.sha256(sys.version.encode())
    for path in (Path(__file__), *_sources()):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return _HERE / "__pycache__" / f"native-{digest.hexdigest()[:16]}"


def main() -> None:
    """Builds what is not built yet, and says so. Without a compiler everything works, at half the speed."""
    target = _build_folder()
    if target.is_dir():
        return
    if shutil.which(os.environ.get("CC", "cc")) is None:
        sys.stderr.write("setup: no C compiler: detection runs as plain Python, at half the speed\n")
        return
    sys.stderr.write("setup: compiling detection (a minute)\n")
    with tempfile.TemporaryDirectory(prefix="ringfence-native-") as name:
        folder = Path(name)
        root = _HERE.parent
        for package in ("pipeline", "schemas"):
            shutil.copytree(root / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(root / "pyproject.toml", folder)
        modules = [str(path.relative_to(root)) for path in _sources()]
        (folder / "setup.py").write_text(_SETUP.format(modules=modules), encoding="utf-8")
        command = [sys.executable, "setup.py", "--quiet", "build_ext", "--inplace"]
        run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603
        if run.returncode:
            said = f"{run.stdout}\n{run.stderr}".strip()[-2_000:]
            sys.stderr.write(f"{said}\nsetup: compiling failed: detection runs as plain Python, at half the speed\n")
            return
        for old in target.parent.glob("native-*"):
            shutil.rmtree(old)
        unfinished = target.with_suffix(".unfinished")
        for room in ROOMS:
            (unfinished / room).mkdir(parents=True)
            for library in (folder / "pipeline" / room).glob("*.so"):
                shutil.move(library, unfinished / room)
        for library in folder.glob("*.so"):
            shutil.move(library, unfinished)
        unfinished.rename(target)


if __name__ == "__main__":
    main()
