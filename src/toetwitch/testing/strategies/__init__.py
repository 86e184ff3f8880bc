"""Hypothesis strategies for probabilities, tables, networks, evidence, cases and frames."""

from toetwitch.testing.strategies.cases import cases, rule_books, sample_world
from toetwitch.testing.strategies.evidence import (
    EVIDENCE_KINDS,
    Question,
    clashes,
    evidence,
    frames,
    questions,
    unlikely,
)
from toetwitch.testing.strategies.networks import SHAPES, networks, noisy_or_networks, variables
from toetwitch.testing.strategies.numbers import EXTREME, distributions, odds_ratios, probabilities
from toetwitch.testing.strategies.tables import TABLE_KINDS, cpts, logistics, noisy_maxes

__all__ = [
    "EVIDENCE_KINDS",
    "EXTREME",
    "SHAPES",
    "TABLE_KINDS",
    "Question",
    "cases",
    "clashes",
    "cpts",
    "distributions",
    "evidence",
    "frames",
    "logistics",
    "networks",
    "noisy_maxes",
    "noisy_or_networks",
    "odds_ratios",
    "probabilities",
    "questions",
    "rule_books",
    "sample_world",
    "unlikely",
    "variables",
]
