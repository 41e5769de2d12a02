"""The generator's modules stand on floors and import only from lower ones (docs: CONTRIBUTING.md, "Floors")."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src/inferometer"
FLOORS = (
    ("errors", "names", "promql", "units"),
    ("spec",),
    ("catalog",),
    ("plan",),
    ("dashboards", "rules", "stack"),
    ("bundle", "mixin", "overlay"),
    ("compile", "lint"),
    ("cli", "demo", "run"),
    ("__main__",),
)
APART = 4
"""On this floor modules do not import each other either: a writer knows nothing of the others."""

FLOOR = {module: floor for floor, modules in enumerate(FLOORS) for module in modules}


def imported(source: str, package: tuple[str, ...]) -> Iterator[str]:
    """The top modules of inferometer that a source imports; `package` is where it stands: ("inferometer", "plan")."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = [*package[: len(package) - node.level + 1]] if node.level else []
            names = [".".join([*base, *filter(None, [node.module]), alias.name]) for alias in node.names]
        else:
            continue
        yield from (name.split(".")[1] for name in names if name.startswith("inferometer."))


def faults(module: str, source: str, package: tuple[str, ...] = ("inferometer",)) -> list[str]:
    """What a top module's source imports and may not."""
    found = []
    for other in imported(source, package):
        floor, below = FLOOR.get(module), FLOOR.get(other)
        beside = floor == below and floor != APART
        if floor is None or below is None or not (other == module or below < floor or beside):
            found.append(f"{module} (floor {floor}) imports {other} (floor {below})")
    return found


def test_modules_import_only_from_lower_floors() -> None:
    found: list[str] = []
    for path in sorted(SOURCE.rglob("*.py")):
        place = path.relative_to(SOURCE)
        if place.name == "__init__.py" and len(place.parts) == 1:
            assert not list(imported(path.read_text(), ("inferometer",))), "inferometer/__init__.py imports a module"
            continue
        found += faults(place.parts[0].removesuffix(".py"), path.read_text(), ("inferometer", *place.parts[:-1]))
    assert found == []


def test_every_module_has_a_floor() -> None:
    modules = {path.stem for path in SOURCE.iterdir() if path.suffix == ".py" or any(path.glob("*.py"))}
    assert modules - {"__init__", "__pycache__"} <= FLOOR.keys()


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("promql", "from inferometer.spec.model import Spec"),
        ("spec", "def late():\n    import inferometer.plan"),
        ("rules", "from inferometer import dashboards"),
        ("stack", "from ..rules import write"),
        ("plan", "from inferometer.unheard_of import something"),
    ],
)
def test_an_import_from_above_or_beside_is_a_fault(module: str, source: str) -> None:
    assert len(faults(module, source, ("inferometer", module))) == 1


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("spec", "from inferometer.spec.model import Spec\nfrom .model import Spec"),
        ("overlay", "from inferometer.bundle import Bundle"),
        ("rules", "from inferometer import promql, plan\nimport json"),
    ],
)
def test_an_import_from_below_or_of_itself_is_none(module: str, source: str) -> None:
    assert faults(module, source, ("inferometer", module)) == []
