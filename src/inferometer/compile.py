"""The pipeline on one screen: spec → plan → writers → bundle → overlays → lint → façade."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from inferometer import dashboards, mixin, overlay, rules, stack
from inferometer.bundle import Bundle, Text, from_values, merge
from inferometer.errors import Problem, SpecError
from inferometer.lint import lint
from inferometer.plan import Plan, resolve
from inferometer.spec import LoadedSpec

# A writer is a pure function from the plan to files: path to text, or to a value that becomes JSON or YAML by suffix.
Writer = Callable[[Plan], Mapping[str, object]]

WRITERS: tuple[Writer, ...] = (dashboards.write, rules.write, stack.write)


def compile_bundle(loaded: LoadedSpec, overlays: Path, writers: Iterable[Writer] = WRITERS) -> Bundle:
    """All files that a spec stands for. `overlays` is a folder of jsonnet files; it need not be there.

    Raises SpecError for what the catalog or an overlay shows to be wrong.
    """
    plan = resolve(loaded)
    written = merge(*(from_values(write(plan)) for write in writers))
    overlaid = overlay.apply(written, overlays)
    _refuse_faults(overlaid)
    return merge(overlaid, mixin.facade(overlaid))


def _refuse_faults(bundle: Bundle) -> None:
    """An overlay can break a board or a rule: say so before anything is written."""
    findings = lint({path: file.text if isinstance(file, Text) else file.value for path, file in bundle.items()})
    problems = [Problem("IM402", str(finding), None, None, None) for finding in findings]
    if problems:
        raise SpecError(problems)
