"""The pytest plugin: `pytest --toetwitch-model PATH` checks a model with no test code at all.

Each law, each red flag and each law of the user's own is one test. This module holds the options alone, so that a test
run that names no model imports neither an engine nor Hypothesis on its account; the tests come from
`toetwitch.testing.items`.
"""

from __future__ import annotations

__all__ = ["pytest_addoption", "pytest_configure"]

import pytest

GROUPS = ("universal", "model", "rule", "domain")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("toetwitch", "property tests of a Bayesian network")
    group.addoption("--toetwitch-model", metavar="PATH", help="check this model folder or BIF network")
    group.addoption(
        "--toetwitch-laws", metavar="FILE", help="domain laws, TOML; by default NAME.laws.toml beside the model"
    )
    group.addoption(
        "--toetwitch-profile", metavar="NAME", default="quick", help="how hard to try: quick (default) or thorough"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Name the markers by which checks are chosen (`-m toetwitch_rule`); bring the tests when a model is named."""
    for group in GROUPS:
        config.addinivalue_line("markers", f"toetwitch_{group}: a {group} law of the model under --toetwitch-model")
    if config.getoption("--toetwitch-model"):
        config.pluginmanager.import_plugin("toetwitch.testing.items")
