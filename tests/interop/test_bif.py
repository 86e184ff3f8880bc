"""BIF files are read whole, label by label, or refused with their line."""

from __future__ import annotations

import gzip
import io
import logging
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.interop.tables import numbers
from toetwitch.errors import InterchangeError
from toetwitch.interop import parse_bif, read_bif
from toetwitch.interop.rounding import without_rounding

RAIN = """network rain {
}
variable a {
  type discrete [ 2 ] { no, yes };
}
variable b {
  type discrete [ 3 ] { low, <5, Asy/Patch };
}
probability ( a ) {
  table 0.4, 0.6;
}
probability ( b | a ) {
  (no) 0.1, 0.2, 0.7;
  (yes) 0.3, 0.3, 0.4;
}
"""


def shipped() -> list[Path]:
    """Return the public networks that pgmpy's wheel carries."""
    spec = find_spec("pgmpy")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    folder = Path(spec.submodule_search_locations[0]) / "utils" / "example_models"
    return sorted(folder.glob("*.bif.gz"))


SHIPPED = shipped()
SLOW = {"andes", "link", "pigs"}
"""Small files that pgmpy's reader takes seconds for."""

SMALL = [p for p in SHIPPED if p.stat().st_size < 20_000 and p.name.split(".")[0] not in SLOW]


def test_pgmpy_ships_public_networks() -> None:
    """The comparisons below have something to compare with."""
    assert {"asia", "child", "alarm", "insurance", "hepar2"} <= {path.name.split(".")[0] for path in SMALL}


@pytest.mark.parametrize("path", SMALL, ids=lambda path: path.name.split(".")[0])
def test_agrees_with_pgmpy(path: Path) -> None:
    """Names, states, parents and, but for rounding, every number are those that pgmpy's own reader finds."""
    logging.getLogger("pgmpy").setLevel(logging.ERROR)
    from pgmpy.readwrite import BIFReader

    network = read_bif(path)
    model = BIFReader(string=gzip.decompress(path.read_bytes()).decode()).get_model()
    assert set(network.by_id) == set(model.nodes())
    for cpd in model.get_cpds():
        table = network.table_of[cpd.variable]
        assert list(network.by_id[cpd.variable].states) == cpd.state_names[cpd.variable]
        assert list(table.parents) == cpd.variables[1:]
        stated = np.moveaxis(cpd.values, 0, -1)
        np.testing.assert_array_equal(numbers(network, cpd.variable), without_rounding(stated))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name.split(".")[0])
def test_reads_every_public_network(path: Path) -> None:
    """Each public network is read whole: the constructor checks shapes, rows and acyclicity."""
    network = read_bif(path)
    assert len(network.variables) == gzip.decompress(path.read_bytes()).decode().count("\nvariable ")


def test_rounding_is_taken_out() -> None:
    """A row of printed thirds is made to sum to one; a row that does already is left bit for bit."""
    values = numbers(parse_bif(RAIN.replace("0.3, 0.3, 0.4", "0.3333333, 0.3333333, 0.3333333")), "b")
    np.testing.assert_allclose(values[1], 1 / 3, rtol=0, atol=1e-16)
    assert values[0].tolist() == [0.1, 0.2, 0.7]


def test_labels_are_kept() -> None:
    """A label may hold any sign that is not a mark of the format."""
    assert parse_bif(RAIN).by_id["b"].states == ("low", "<5", "Asy/Patch")


def test_layout_does_not_matter() -> None:
    """Comments, quotes, line breaks, left-out commas and properties change nothing."""
    other = """
    network "rain" { property author someone ; }  // a comment
    variable "a" { property kind root; type discrete[2] { "no" "yes" }; }
    variable b { type discrete [3] {low <5 Asy/Patch}; } /* another; probability ( x ) { } */
    probability(a){table 0.4 0.6;} probability ( "b" | "a" ) { (yes) 0.3 0.3 0.4; (no) 0.1 0.2 0.7; property p; }
    """
    assert parse_bif(other) == parse_bif(RAIN)


def test_a_table_has_the_child_slowest() -> None:
    """A table of a child with parents lists all parents' states for the child's first state, then for the next."""
    text = RAIN.replace("  (no) 0.1, 0.2, 0.7;\n  (yes) 0.3, 0.3, 0.4;", "  table 0.1, 0.3, 0.2, 0.3, 0.7, 0.4;")
    assert parse_bif(text) == parse_bif(RAIN)


def test_a_default_fills_the_rows_left_out() -> None:
    """A default row stands for each combination without a row of its own."""
    text = RAIN.replace("  (no) 0.1, 0.2, 0.7;", "  default 0.1, 0.2, 0.7;")
    assert parse_bif(text) == parse_bif(RAIN)


def test_paths_files_and_gzip_are_read_alike(tmp_path: Path) -> None:
    """A path, a text file, a binary file and their compressed forms give one network."""
    plain, packed = tmp_path / "rain.bif", tmp_path / "rain.bif.gz"
    plain.write_text(RAIN)
    packed.write_bytes(gzip.compress(RAIN.encode()))
    expected = parse_bif(RAIN)
    assert read_bif(plain) == read_bif(str(packed)) == read_bif(io.StringIO(RAIN)) == expected
    assert read_bif(io.BytesIO(packed.read_bytes())) == expected


REFUSED = {
    "misspelt_state": ("(yes) 0.3", "(yess) 0.3", "line 14: got 'yess'; expected a state of 'a'; did you mean 'yes'?"),
    "missing_row": ("  (yes) 0.3, 0.3, 0.4;\n", "", "line 12: no row of 'b' for (yes)"),
    "doubled_row": ("(yes) 0.3", "(no) 0.3", "line 14: a second row of 'b' for (no)"),
    "row_sum": ("0.3, 0.3, 0.4", "0.3, 0.3, 0.5", "line 14: a row of 'b' sums to 1.1; expected 1"),
    "negative": ("0.4, 0.6", "-0.4, 1.4", "line 10: got -0.4 in the table of 'a'; expected a probability in [0, 1]"),
    "not_a_number": ("0.4, 0.6", "0.4, 60%", "line 10: got '60%' in the table of 'a'; expected a probability"),
    "nan": ("0.4, 0.6", "0.4, nan", "line 10: got nan in the table of 'a'"),
    "too_few": ("0.4, 0.6", "1.0", "line 10: 1 numbers in a row of 'a'; expected 2"),
    "unknown_parent": ("( b | a )", "( b | aa )", "line 12: got 'aa'; expected a declared variable; did you mean 'a'?"),
    "own_parent": ("( b | a )", "( b | b )", "line 12: probability ( b | b ) names a variable twice"),
    "two_children": ("( b | a )", "( b, a | a )", "expected one variable before '|'"),
    "too_many_states_in_a_row": ("(yes)", "(yes, low)", "line 14: (yes, low) names 2 states; expected one for each"),
    "state_count": ("[ 3 ]", "[ 4 ]", "line 7: variable 'b' says it has 4 states and lists 3"),
    "doubled_state": ("low, <5", "low, low", "expected one or more distinct names"),
    "doubled_variable": ("variable b", "variable a", "line 6: a second declaration of variable 'a'"),
    "doubled_block": ("probability ( b | a )", "probability ( a )", "a second probability block for 'a'"),
    "no_block": ("probability ( a ) {\n  table 0.4, 0.6;\n}\n", "", "no probability block for variable 'a'"),
    "keyword": ("variable b", "varible b", "line 6: got 'varible'; expected 'network', 'variable' or 'probability'"),
    "continuous": ("discrete [ 3 ]", "continuous [ 3 ]", "line 7: got 'continuous'; expected 'discrete'"),
    "no_states": ("  type discrete [ 2 ] { no, yes };\n", "", "states () of 'a'; expected one or more"),
    "truncated": ("(yes) 0.3, 0.3, 0.4;\n}\n", "(yes) 0.3", "line 14: the file ends; expected ';'"),
    "open_quote": ("variable b", 'variable "b', "got '\"'; expected the name of a variable"),
    "cycle": ("probability ( a ) {\n  table 0.4, 0.6;", "probability ( a | b ) {\n  default 0.4, 0.6;", "cycle: "),
}


@pytest.mark.parametrize(("old", "new", "message"), REFUSED.values(), ids=REFUSED)
def test_a_broken_file_is_refused_with_its_line(old: str, new: str, message: str) -> None:
    """Each way of being wrong gives the sentence that says where, what was got and what was expected."""
    assert RAIN.count(old) >= 1
    with pytest.raises(InterchangeError) as caught:
        parse_bif(RAIN.replace(old, new, 1), name="rain.bif")
    assert str(caught.value).startswith("rain.bif")
    assert message in str(caught.value)


def test_an_empty_file_is_refused() -> None:
    """A file without variables is not a network."""
    with pytest.raises(InterchangeError, match="declares no variable"):
        parse_bif("network x { }")
    with pytest.raises(InterchangeError, match="declares no variable"):
        parse_bif("")


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    """Bytes that are neither UTF-8 nor whole gzip are named as such."""
    path = tmp_path / "x.bif.gz"
    for content in (b"\xff\xfe\x00", gzip.compress(RAIN.encode())[:-10], b"\x1f\x8b rest"):
        path.write_bytes(content)
        with pytest.raises(InterchangeError, match=r"x\.bif\.gz: .*expected a BIF text in UTF-8"):
            read_bif(path)


@given(st.integers(0, len(RAIN)), st.text(max_size=3), st.integers(0, 5))
def test_a_damaged_file_never_fails_otherwise(at: int, put: str, cut: int) -> None:
    """Whatever is put in or cut out, the answer is a network or an InterchangeError, never another failure."""
    try:
        parse_bif(RAIN[:at] + put + RAIN[at + cut :])
    except InterchangeError:
        return
