"""The tests that `pytest --toetwitch-model PATH` runs: one for each check of the model."""

from __future__ import annotations

__all__ = ["ModelItem", "pytest_collection_modifyitems"]

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from toetwitch.errors import ToetwitchError
from toetwitch.testing.adapters import NotOfferedError
from toetwitch.testing.checks import Check, checks_of
from toetwitch.testing.law_file import read_laws
from toetwitch.testing.laws import LawBrokenError
from toetwitch.testing.profile import profile_named
from toetwitch.testing.report import laws_beside
from toetwitch.testing.subject import open_subject


def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Add one test for each check of the model."""
    items.extend(_items(session, config.getoption("--toetwitch-model"), config))


def _items(session: pytest.Session, path: str, config: pytest.Config) -> Iterator[pytest.Item]:
    file = config.getoption("--toetwitch-laws") or laws_beside(path)
    try:
        profile = profile_named(config.getoption("--toetwitch-profile"))
        laws = read_laws(file) if file else ()
        subject = open_subject(path)
    except ToetwitchError as error:
        raise pytest.UsageError(str(error)) from None
    for one in checks_of(subject, profile, laws):
        name = f"{one.group}::{one.name}"
        item = ModelItem.from_parent(session, name=name, nodeid=f"{Path(path).name}::{name}", check=one)
        item.add_marker(f"toetwitch_{one.group}")
        yield item


class ModelItem(pytest.Item):
    """One check of a model."""

    def __init__(self, *, check: Check, **more: Any) -> None:
        super().__init__(**more)
        self.check = check

    def runtest(self) -> None:
        """Run the check; what does not apply is skipped."""
        try:
            self.check.run()
        except NotOfferedError as error:
            pytest.skip(str(error))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Show the law, what broke and the smallest case, and no traceback into the library."""
        if isinstance(excinfo.value, LawBrokenError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Any, int | None, str]:
        """Say what is tested, where a test file would have stood."""
        return self.path, None, self.name
