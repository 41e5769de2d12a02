"""Modules stand on floors and import only from lower ones: generator and exporter (CONTRIBUTING.md, "Floors")."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Tower:
    """A package with its floors, lowest first. On the floor `apart` modules do not import each other either."""

    source: Path
    floors: tuple[tuple[str, ...], ...]
    apart: int

    @property
    def package(self) -> str:
        return self.source.name

    def floor(self, module: str) -> int | None:
        return next((number for number, modules in enumerate(self.floors) if module in modules), None)

    def imported(self, source: str, package: tuple[str, ...]) -> Iterator[str]:
        """Its top modules that a source imports; `package` is where that stands: ("inferometer", "plan")."""
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                base = [*package[: len(package) - node.level + 1]] if node.level else []
                names = [".".join([*base, *filter(None, [node.module]), alias.name]) for alias in node.names]
            else:
                continue
            tops = (name.split(".")[1] for name in names if name.startswith(f"{self.package}."))
            yield from (top for top in tops if top != "__version__")

    def faults(self, module: str, source: str, package: tuple[str, ...]) -> list[str]:
        """What a top module's source imports and may not."""
        found = []
        for other in self.imported(source, package):
            floor, below = self.floor(module), self.floor(other)
            beside = floor == below and floor != self.apart
            if floor is None or below is None or not (other == module or below < floor or beside):
                found.append(f"{module} (floor {floor}) imports {other} (floor {below})")
        return found


GENERATOR = Tower(
    ROOT / "src/inferometer",
    (
        ("errors", "names", "promql", "units"),
        ("spec",),
        ("catalog",),
        ("plan",),
        ("dashboards", "rules", "stack"),
        ("bundle", "mixin", "overlay"),
        ("compile", "lint"),
        ("cli", "demo", "run"),
        ("__main__",),
    ),
    apart=4,  # a writer knows nothing of the others
)
EXPORTER = Tower(
    ROOT / "exporter/src/inferometer_exporter",
    (
        ("errors", "names", "trace"),
        ("config", "observe"),
        ("metrics", "store"),
        ("collect", "health", "proxy"),
        ("admin",),
        ("app", "healthcheck", "logs"),
        ("cli",),
        ("__main__",),
    ),
    apart=3,  # what forwards knows nothing of what asks
)
TOWERS = (GENERATOR, EXPORTER)


@pytest.mark.parametrize("tower", TOWERS, ids=lambda tower: tower.package)
def test_modules_import_only_from_lower_floors(tower: Tower) -> None:
    found: list[str] = []
    for path in sorted(tower.source.rglob("*.py")):
        place = path.relative_to(tower.source)
        if place.name == "__init__.py" and len(place.parts) == 1:
            assert not list(tower.imported(path.read_text(), (tower.package,))), f"{place} imports a module"
            continue
        package = (tower.package, *place.parts[:-1])
        found += tower.faults(place.parts[0].removesuffix(".py"), path.read_text(), package)
    assert found == []


@pytest.mark.parametrize("tower", TOWERS, ids=lambda tower: tower.package)
def test_every_module_has_a_floor(tower: Tower) -> None:
    modules = {path.stem for path in tower.source.iterdir() if path.suffix == ".py" or any(path.glob("*.py"))}
    assert modules - {"__init__", "__pycache__"} == {module for modules in tower.floors for module in modules}


def test_neither_package_imports_the_other() -> None:
    """The exporter's image never holds the generator, and the generator runs without the exporter's parts."""
    for tower, other in ((GENERATOR, EXPORTER.package), (EXPORTER, GENERATOR.package)):
        for path in tower.source.rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                named = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                named += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                assert not [name for name in named if name.split(".")[0] == other], path


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
    assert len(GENERATOR.faults(module, source, ("inferometer", module))) == 1


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("spec", "from inferometer.spec.model import Spec\nfrom .model import Spec"),
        ("overlay", "from inferometer.bundle import Bundle"),
        ("rules", "from inferometer import promql, plan\nimport json"),
    ],
)
def test_an_import_from_below_or_of_itself_is_none(module: str, source: str) -> None:
    assert GENERATOR.faults(module, source, ("inferometer", module)) == []
