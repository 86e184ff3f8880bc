"""Reasoning: one question, one file."""
