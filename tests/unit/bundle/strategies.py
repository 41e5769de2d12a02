"""What the tests of the bundle draw from: plain data, and trees of files."""

from __future__ import annotations

from hypothesis import strategies as st

from inferometer.bundle import Bundle, Text

# Text that YAML or a diff could trip over comes up often, anything else sometimes.
_LINES = st.lists(
    st.sampled_from(
        ["a", "", " ", "  b", "c ", "\t", "# d", "- e", "f: 1", "...", "---", "é", "'", '"', "{{ $value }}"]
    )
).map("\n".join)
_WORDS = st.sampled_from(
    ["on", "No", "y", "null", "~", "0777", "0o7", "1e3", "12:30:45", "0:30", "1_0", ".5", "=", "<<"]
)
texts = _LINES | _WORDS | st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
numbers = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
data = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=15,
)
documents = st.dictionaries(texts, data, max_size=4) | st.lists(data, max_size=4)

# Few enough paths that two trees share some, with a file where the other has a folder.
PATHS = ("a", "a/b", "c.txt", "d/e/f", "d/e/g", "d/h", "i/j")


def _fits(paths: frozenset[str]) -> bool:
    return not {"a", "a/b"} <= paths


bundles = st.frozensets(st.sampled_from(PATHS)).filter(_fits).flatmap(
    lambda paths: st.fixed_dictionaries({path: st.sampled_from("xyz").map(Text) for path in sorted(paths)})
).map(Bundle)  # fmt: skip
