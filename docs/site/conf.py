"""How Sphinx builds the site; `docs/build_site.py` gathers the pages and calls it."""

from __future__ import annotations

import importlib.metadata
from typing import Any

project = "toetwitch"
author = "The toetwitch authors"
release = importlib.metadata.version("toetwitch")
project_copyright = author

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["jupyter_execute"]

# Notebooks are stored clean: they are run while the site is built, and again only when they have changed.
nb_execution_mode = "cache"
nb_execution_timeout = 600
nb_execution_raise_on_error = True
nb_execution_show_tb = True
# Widgets would be fetched from elsewhere, and there are none on the pages.
nb_ipywidgets_js: dict[str, dict[str, str]] = {}
myst_heading_anchors = 4
suppress_warnings = ["myst.header", "mystnb.mime_priority", "misc.highlighting_failure"]

autodoc_typehints = "signature"
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True}
napoleon_google_docstring = False
napoleon_use_rtype = False
# The fields of a record are described where its docstring says "Parameters".
autodoc_class_signature = "mixed"

html_theme = "furo"
html_title = f"toetwitch {release}"
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {"footer_icons": [], "navigation_with_keys": True}
html_static_path = ["_static"]
html_css_files = ["pages.css"]


def broken_at_the_colon(app: object, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """Keep napoleon from reading what stands before a colon in a property's sentence as its type."""
    head, colon, rest = lines[0].partition(": ") if lines else ("", "", "")
    if what in ("property", "attribute") and colon:
        lines[:1] = [f"{head}:", rest]


def setup(app: Any) -> None:
    """Connect the above, before napoleon's own reading."""
    app.connect("autodoc-process-docstring", broken_at_the_colon, priority=400)
