"""The pytest plugin checks a model with no test code, and shows the smallest counterexample."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.testing.example_network import BIF, pond
from toetwitch.knowledge.model_folder import default_model_path

pytest_plugins = ["pytester"]

PLUGIN = ("-p", "toetwitch.testing.plugin", "-p", "no:cacheprovider")


@pytest.fixture
def bif(tmp_path: Path) -> Path:
    """Write a network to a file."""
    path = tmp_path / "pond.bif"
    path.write_text(BIF, encoding="utf-8")
    return path


def options() -> tuple[str, ...]:
    """Return what loads the plugin where it is not installed as an entry point."""
    from importlib.metadata import entry_points

    return () if entry_points(group="pytest11", name="toetwitch") else PLUGIN[:2]


def test_one_test_for_each_law(pytester: pytest.Pytester, bif: Path) -> None:
    """A network without any test file is checked, and all its laws pass."""
    result = pytester.runpytest_inprocess(*options(), "--toetwitch-model", str(bif), "-v")
    outcomes = result.parseoutcomes()
    assert set(outcomes) == {"passed"}
    assert outcomes["passed"] >= 15
    result.stdout.fnmatch_lines(["*pond.bif::universal::normalised PASSED*"])


def test_a_broken_law_shows_the_smallest_case(pytester: pytest.Pytester, bif: Path) -> None:
    """A failing law of the user's own names itself, what broke and on what case, without a traceback."""
    laws = bif.with_name("pond.laws.toml")
    laws.write_text(
        '[[law]]\nkind = "never_lowers"\nfinding = "spots"\ncause = "shade"\ncause_state = "yes"\n'
        'finding_state = "yes"\nanywhere = true\n',
        encoding="utf-8",
    )
    result = pytester.runpytest_inprocess(*options(), "--toetwitch-model", str(bif), "-m", "toetwitch_domain")
    assert result.parseoutcomes()["failed"] == 1
    result.stdout.fnmatch_lines(
        [
            "never_lowers?spots-shade?: spots does not lower*",
            "*P(shade) falls from 0.4 to *",
            "*evidence = {'spots': 'yes'}",
        ]
    )
    result.stdout.no_fnmatch_line("*Traceback*")


def test_a_rule_is_a_test(pytester: pytest.Pytester, tmp_path: Path) -> None:
    """Each red flag of a model is a test of its own, chosen by a marker."""
    folder = tmp_path / "toe"
    shutil.copytree(default_model_path(), folder)
    result = pytester.runpytest_inprocess(
        *options(), "--toetwitch-model", str(folder), "-m", "toetwitch_rule", "-k", "saddle", "-v"
    )
    result.stdout.fnmatch_lines(["*rule::rule_fires?saddle*PASSED*"])
    assert result.ret == 0


def test_a_misspelt_path_is_a_usage_error(pytester: pytest.Pytester, bif: Path) -> None:
    """A path that is no model is refused with the nearest one, not with a traceback."""
    result = pytester.runpytest_inprocess(*options(), "--toetwitch-model", str(bif.with_name("ponds")))
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*expected a model folder*"])


def test_a_misspelt_profile_is_a_usage_error(pytester: pytest.Pytester, bif: Path) -> None:
    """A profile that does not exist is refused with the nearest one."""
    result = pytester.runpytest_inprocess(*options(), "--toetwitch-model", str(bif), "--toetwitch-profile", "quik")
    result.stderr.fnmatch_lines(["*unknown profile 'quik'*did you mean 'quick'*"])


def test_nothing_is_added_unasked(pytester: pytest.Pytester) -> None:
    """Without a model the plugin adds no test."""
    result = pytester.runpytest_inprocess(*options())
    result.assert_outcomes()
    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED


@pytest.mark.parametrize("module", ["toetwitch", "toetwitch.testing", "toetwitch.model"])
def test_the_library_needs_neither(module: str) -> None:
    """Importing the library, and the name of the kit, works where neither Hypothesis nor pytest can be imported."""
    script = (
        "import sys; sys.modules['hypothesis'] = sys.modules['pytest'] = None; "
        f"import importlib; importlib.import_module({module!r})"
    )
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)


def test_the_plugin_is_light() -> None:
    """Loading the plugin imports neither an engine nor Hypothesis."""
    script = (
        "import sys; import toetwitch.testing.plugin; "
        "assert not {'hypothesis', 'numpy', 'toetwitch.engine'} & set(sys.modules), sorted(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_example_is_the_one_in_the_file() -> None:
    """The network in the file is the one that the other tests build."""
    assert [variable.id for variable in pond().variables] == ["sun", "shade", "spots"]
