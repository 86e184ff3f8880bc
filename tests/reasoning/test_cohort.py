"""Frames of cases: the same answers as one by one, and no row that costs another its answer."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
import pytest

import toetwitch as tt
from toetwitch.errors import EvidenceError, UnknownNameError

MODEL = tt.load_model()
CASES: list[dict[str, Any]] = [
    {"foot_drop": True, "numbness": True, "age_group": "60_plus"},
    {"fasciculation": True, "muscle_weakness": "none", "caffeine_intake": "high"},
    {"urge_to_move": True, "worse_evening_or_night": None},
    {},
]


def test_a_row_is_a_case() -> None:
    """Level, flags, probabilities and log-evidence of a row are those of the case assessed alone."""
    out = MODEL.assess_many(pd.DataFrame(CASES, index=list("wxyz")))
    assert list(out.index) == list("wxyz")
    for row, case in zip(out.to_dict("records"), CASES, strict=True):
        alone = MODEL.assess(case)
        assert row["status"] == "ok"
        assert row["level"] == alone.triage.level
        assert row["posterior_level"] == alone.triage.posterior_level
        assert set(row["red_flags"].split()) == {found.id for found in alone.red_flags}
        assert row["log_evidence"] == pytest.approx(alone.log_evidence, abs=1e-9)
        assert row["no_listed_cause"] == pytest.approx(alone.no_listed_cause, abs=1e-9)
        for cause in MODEL.causes:
            assert row[cause] == pytest.approx(alone.causes[cause], abs=1e-9)


def test_a_bad_row_costs_only_itself() -> None:
    """A cell that cannot be read and a clash have their status and reason; their flags and the other rows stay."""
    frame = pd.DataFrame(
        {
            "foot_drop": [True, True, True],
            "numbness": [True, 3.5, None],
            "thiazide_diuretic": [None, None, True],
            "diuretic_or_ppi_use": [None, None, False],
        },
        dtype=object,
    )
    out = MODEL.assess_many(frame)
    assert list(out["status"]) == ["ok", "invalid", "impossible"]
    assert "numbness" in out["reason"][1]
    assert "thiazide_diuretic" in out["reason"][2]
    assert "diuretic_or_ppi_use" in out["reason"][2]
    assert list(out["level"]) == ["immediate_medical_attention"] * 3
    assert all("foot_drop" in flags.split() for flags in out["red_flags"])
    assert out["akathisia"].isna().tolist() == [False, True, True]


def test_soft_evidence_in_a_cell() -> None:
    """A cell may hold likelihood or Jeffrey evidence, which the row answers as the case would."""
    cases = [{"foot_drop": tt.likelihood(0.8), "numbness": True}, {"foot_drop": tt.jeffrey(0.6), "numbness": False}]
    out = MODEL.assess_many(pd.DataFrame(cases))
    for row, case in zip(out.to_dict("records"), cases, strict=True):
        alone = MODEL.assess(case)
        assert row["level"] == alone.triage.level
        assert row["lumbar_radiculopathy"] == pytest.approx(alone.causes["lumbar_radiculopathy"], abs=1e-9)
        assert row["log_evidence"] == pytest.approx(alone.log_evidence, abs=1e-9)


def test_an_empty_frame_and_one_without_answers() -> None:
    """No rows give no rows with all columns; rows in which nothing is known are the prior, held back by the gate."""
    assert MODEL.assess_many(pd.DataFrame({"foot_drop": []})).shape[0] == 0
    out = MODEL.assess_many(pd.DataFrame({"foot_drop": [None, math.nan]}))
    prior = MODEL.assess({})
    assert out["akathisia"].tolist() == pytest.approx([prior.causes["akathisia"]] * 2)
    assert out["level"].tolist() == ["routine_appointment"] * 2


def test_polars_and_arrow_come_back_as_they_came() -> None:
    """A polars frame gives a polars frame, an Arrow table an Arrow table, a record batch a record batch."""
    pl, pa = pytest.importorskip("polars"), pytest.importorskip("pyarrow")
    data = {"foot_drop": [True, None], "muscle_weakness": ["mild", None]}
    table = pa.table(data)
    frames = [pl.DataFrame(data), table, table.to_batches()[0]]
    for frame in frames:
        out = MODEL.assess_many(frame)
        assert type(out) is type(frame)
        assert out["status"].to_list() if hasattr(out["status"], "to_list") else out["status"].to_pylist() == ["ok"] * 2


@pytest.mark.parametrize(
    ("frame", "error", "message"),
    [
        (pd.DataFrame({"foot_dorp": [True]}), UnknownNameError, "did you mean 'foot_drop'"),
        ([{"foot_drop": True}], EvidenceError, "expected a pandas or polars data frame"),
        (pd.DataFrame([[True, False]], columns=["numbness", "numbness"]), EvidenceError, "two columns"),
    ],
)
def test_what_is_no_frame_of_cases_is_refused(frame: Any, error: type[Exception], message: str) -> None:
    """An unknown column, something that is no frame, and a column given twice are refused with a clear message."""
    with pytest.raises(error, match=message):
        MODEL.assess_many(frame)
