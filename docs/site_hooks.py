"""What `mkdocs.yml` adds to the documents: pages and files that stand elsewhere in the repository, so that nothing is written twice."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT: Final = Path(__file__).parents[1]
ELSEWHERE: Final = {
    "about.md": "README.md",
    "bench.md": "bench/README.md",
    "changelog.md": "CHANGELOG.md",
    "contributing.md": "CONTRIBUTING.md",
    "json-schema.json": "vhashdb/forms/json-schema.json",
    "samples.md": "data/samples/README.md",
    "security.md": "SECURITY.md",
}
_LINK: Final = re.compile(r"(?<=\]\()(?![a-z]+:|#)([^)#\s]+)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """The pages and files from elsewhere."""
    for name, origin in ELSEWHERE.items():
        files.append(File.generated(config, name, content=(ROOT / origin).read_text(encoding="utf-8")))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001  # by name
    """Links as they are in the repository become links within the site."""
    here = (ROOT / ELSEWHERE.get(page.file.src_uri, f"docs/{page.file.src_uri}")).parent
    names = {(ROOT / origin).resolve(): name for name, origin in ELSEWHERE.items()}

    def within(link: re.Match[str]) -> str:
        target = (here / link[1]).resolve()
        if target in names:
            return names[target]
        return str(target.relative_to(ROOT / "docs")) if target.is_relative_to(ROOT / "docs") else link[1]

    return _LINK.sub(within, markdown)


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001  # by name
    """The colons that announce a block of code in a docstring become one, or none where they stand alone."""
    return html.replace("<p>::</p>", "").replace("::</p>", ":</p>") if page.file.src_uri == "api.md" else html
