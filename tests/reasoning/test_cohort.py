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


def test_columns_of_any_nullable_dtype_read_alike() -> None:
    """Nullable, categorical and Arrow columns of pandas, and categorical ones of polars, read as plain objects do."""
    pl, pa = pytest.importorskip("polars"), pytest.importorskip("pyarrow")
    weakness, drop = ["mild", None, "none"], [True, None, False]
    plain = MODEL.assess_many(pd.DataFrame({"muscle_weakness": weakness, "foot_drop": drop}, dtype=object))
    frames = [
        pd.DataFrame({"muscle_weakness": pd.Categorical(weakness), "foot_drop": pd.array(drop, dtype="boolean")}),
        pd.DataFrame({"muscle_weakness": pd.array(weakness, dtype="string"), "foot_drop": drop}),
        pd.DataFrame(
            {
                "muscle_weakness": pd.array(weakness, dtype=pd.ArrowDtype(pa.string())),
                "foot_drop": pd.array(drop, dtype=pd.ArrowDtype(pa.bool_())),
            }
        ),
        pl.DataFrame({"muscle_weakness": pl.Series(weakness, dtype=pl.Categorical), "foot_drop": drop}).to_pandas(),
    ]
    for frame in frames:
        out = MODEL.assess_many(frame)
        assert list(out["level"]) == list(plain["level"])
        assert list(out["log_evidence"]) == pytest.approx(list(plain["log_evidence"]))


def test_a_wrong_dtype_and_a_state_of_another_type_are_the_rows_own_fault() -> None:
    """Numbers where states are expected make their rows invalid, with the id and what was expected in the reason."""
    out = MODEL.assess_many(pd.DataFrame({"muscle_weakness": [1, 2], "foot_drop": [True, False]}))
    assert list(out["status"]) == ["invalid", "invalid"]
    assert all("muscle_weakness" in reason for reason in out["reason"])
    out = MODEL.assess_many(
        pd.DataFrame({"muscle_weakness": [True, "mild"], "foot_drop": [True, "mild"]}, dtype=object)
    )
    assert list(out["status"]) == ["invalid", "invalid"]
    assert "muscle_weakness" in out["reason"][0]
    assert "foot_drop" in out["reason"][1]


def test_an_index_that_repeats_is_kept() -> None:
    """Rows keep their order and their labels, also where labels repeat."""
    out = MODEL.assess_many(pd.DataFrame({"foot_drop": [True, False, None]}, index=["x", "x", "y"]))
    assert list(out.index) == ["x", "x", "y"]
    assert list(out["status"]) == ["ok"] * 3
    assert out["lumbar_radiculopathy"].iloc[0] > out["lumbar_radiculopathy"].iloc[1]
