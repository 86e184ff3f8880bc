"""Build the static site from the documents and the notebooks: `python docs/build_site.py [FOLDER]`.

The pages are gathered into one folder, the README becoming the first, and handed to Sphinx, which runs the notebooks
(a notebook that fails stops the build) and renders the reference from the docstrings. What comes out needs no server
and fetches nothing from elsewhere. Needs the extra `toetwitch[site]`.

`--without-running` leaves the notebooks' outputs out, to see the pages within a minute.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
from pathlib import Path

from sphinx.cmd.build import build_main

ROOT = Path(__file__).resolve().parents[1]

DOCUMENTS = ("worked_examples", "validation", "model_card", "testing", "peers", "mutations", "unused_evidence")
"""Pages of `docs`, in the order of the contents."""

OTHERS = {"benchmarks/README.md": "benchmarks.md", "CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}
"""Documents that live elsewhere in the repository, and their pages."""


def gathered(folder: Path) -> None:
    """Write every page, and what the pages show, into a folder."""
    for name in ("conf.py", "api.md"):
        shutil.copy(ROOT / "docs" / "site" / name, folder / name)
    shutil.copytree(ROOT / "docs" / "site" / "_static", folder / "_static", dirs_exist_ok=True)
    shutil.copytree(ROOT / "docs" / "images", folder / "images", dirs_exist_ok=True)
    shutil.copytree(ROOT / "benchmarks" / "results", folder / "results", dirs_exist_ok=True)
    shutil.copy(ROOT / "CITATION.cff", folder / "CITATION.cff")
    (folder / "notebooks").mkdir(exist_ok=True)
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        shutil.copy(path, folder / "notebooks" / path.name)
    for path in (ROOT / "docs").glob("*.md"):
        _write(folder / path.name, path.read_text(encoding="utf-8"))
    for origin, page in OTHERS.items():
        _write(folder / page, (ROOT / origin).read_text(encoding="utf-8"))
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    _write(folder / "index.md", "\n".join([readme, *_contents()]))


def _contents() -> list[str]:
    notebooks = [f"notebooks/{path.stem}" for path in sorted((ROOT / "notebooks").glob("*.ipynb"))]
    documents = [name for name in DOCUMENTS if (ROOT / "docs" / f"{name}.md").is_file()]
    rest = sorted(path.stem for path in (ROOT / "docs").glob("*.md") if path.stem not in documents)
    parts = {
        "Notebooks": notebooks,
        "Documents": [*documents, *rest, "benchmarks"],
        "Reference": ["api", "contributing", "changelog"],
    }
    lines = []
    for caption, pages in parts.items():
        lines += ["", "```{toctree}", ":hidden:", f":caption: {caption}", ":maxdepth: 1", "", *pages, "```"]
    return lines


def _write(path: Path, text: str) -> None:
    """Write a page with its links pointing to the other pages rather than to files of the repository."""
    for origin, page in OTHERS.items():
        text = re.sub(rf"\]\((?:\.\./)?{re.escape(origin)}(#[^)]*)?\)", rf"]({page}\1)", text)
    text = re.sub(r"\]\((?:\.\./)?docs/", "](", text)
    text = text.replace("](notebooks)", "](notebooks/01_first_assessment.ipynb)")
    text = re.sub(r"(src=\")(?:\.\./)?docs/", r"\1", text)
    path.write_text(text, encoding="utf-8")


MENDED = {
    'role="heading"><span class="caption-text">': 'role="heading" aria-level="2"><span class="caption-text">',
    "<pre>": '<pre tabindex="0">',
    '<aside class="sidebar-drawer">': '<aside class="sidebar-drawer" aria-label="Contents of the site">',
    '<aside class="toc-drawer': '<aside aria-label="Contents of this page" class="toc-drawer',
    '<div class="output text_html">': '<div class="output text_html" tabindex="0" role="group" aria-label="Output">',
}
"""What the theme writes, and what a reader without a mouse or without sight needs there: a level for each heading,
boxes that scroll with the keyboard, and landmarks that are told apart."""


def mended(folder: Path) -> None:
    """Make every page of a site one that can be used without a mouse and without sight."""
    for path in folder.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        for found, wanted in MENDED.items():
            text = text.replace(found, wanted)
        path.write_text(text, encoding="utf-8")


def main(arguments: list[str] | None = None) -> int:
    """Build the site; return Sphinx's exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "build" / "site")
    parser.add_argument("--without-running", action="store_true", help="leave the notebooks' outputs out")
    given = parser.parse_args(arguments)
    # Kept from one build to the next, so that a notebook which has not changed is not run again.
    kept = given.folder.resolve().with_name(f"{given.folder.name}-work")
    source = kept / "pages"
    shutil.rmtree(source, ignore_errors=True)
    source.mkdir(parents=True)
    gathered(source)
    # Pages are written anew, so that none is mended twice; what is kept is what was read and run.
    options = ["-q", "-a", "-W", "--keep-going", "-b", "html", "-d", str(kept / "doctrees")]
    options += ["-D", f"nb_execution_mode={'off' if given.without_running else 'cache'}"]
    options += ["-D", f"nb_execution_cache_path={kept / 'executed'}"]
    status = build_main([*options, str(source), str(given.folder)])
    mended(given.folder)
    for left in (".buildinfo", "objects.inv"):
        (given.folder / left).unlink(missing_ok=True)
    if not status:
        print(f"wrote {given.folder / 'index.html'}")
    return status


if __name__ == "__main__":
    sys.exit(main())
