"""Every link of the README and the pages leads somewhere; addresses outside are well formed and not asked for."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from markdown_it import MarkdownIt

ROOT = Path(__file__).resolve().parent.parent
TOP = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "reference_matlab/README.md", "examples/data/README.md")
PAGES = sorted(path for path in (ROOT / "docs").rglob("*.md") if not {"_build", "auto_tutorials"} & set(path.parts))
SOURCES = [*(ROOT / name for name in TOP), *PAGES]
TUTORIALS = sorted((ROOT / "docs" / "tutorials").glob("*.py"))


@cache
def tokens(path: Path) -> list:
    text = path.read_text(encoding="utf-8")
    return [
        child
        for token in MarkdownIt("commonmark").enable("table").parse(text)
        for child in (token, *(token.children or ()))
    ]


def links(path: Path) -> list[str]:
    """Targets of the links and images of a page, and of the pages in its tables of contents."""
    named = [
        str(token.attrs.get("href") or token.attrs["src"])
        for token in tokens(path)
        if token.type in ("link_open", "image")
    ]
    trees = [token.content for token in tokens(path) if token.type == "fence" and token.info == "{toctree}"]
    entries = [line for tree in trees for line in tree.splitlines() if line and not line.startswith(":")]
    return named + [f"{entry}.md" for entry in entries if not entry.startswith("auto_tutorials/")]


@cache
def anchors(path: Path) -> set[str]:
    """The anchors that headings get, on a forge and in the built site alike."""
    inline = [
        token.content
        for before, token in zip(tokens(path), tokens(path)[1:], strict=False)
        if before.type == "heading_open"
    ]
    found, seen = set(), Counter()
    for heading in inline:
        slug = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        found.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
        seen[slug] += 1
    return found


def why_broken(link: str, page: Path) -> str | None:
    """What is wrong with a link, or None."""
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        sound = (
            parts.scheme in ("http", "https") and re.fullmatch(r"[\w-]+(\.[\w-]+)+", parts.netloc) and " " not in link
        )
        return None if sound else "is no address"
    target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
    if not target.exists():
        return "leads to no file"
    if not target.is_relative_to(ROOT):
        return "leads out of the repository"
    if parts.fragment and parts.fragment not in anchors(target):
        return f"names no heading of {target.name}"
    return None


@pytest.mark.parametrize("page", SOURCES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_leads_somewhere(page: Path) -> None:
    assert {link: why for link in links(page) if (why := why_broken(link, page))} == {}


def test_links_are_found_and_every_page_is_reached_from_the_index() -> None:
    assert sum(len(links(page)) for page in SOURCES) > 80
    reached, new = set(), {ROOT / "docs" / "index.md"}
    while new:
        reached |= new
        targets = {(page.parent / urlsplit(link).path).resolve() for page in new for link in links(page)}
        new = {target for target in targets if target in PAGES} - reached
    assert set(PAGES) - reached == set()


def test_every_tutorial_that_is_linked_exists_and_names_only_pages_that_do() -> None:
    for path in TUTORIALS:
        text = path.read_text(encoding="utf-8")
        for page in re.findall(r":doc:`(?:[^`<]*<)?/?(?:\.\./)?([\w/]+)>?`", text):
            assert (ROOT / "docs" / f"{page}.md").exists() or page.removeprefix("auto_tutorials/") in {
                p.stem for p in TUTORIALS
            }


@pytest.mark.parametrize(
    ("link", "why"),
    [
        ("docs/options.md", None),
        ("docs/parity.md#your-own-files", None),
        ("https://keepachangelog.com", None),
        ("docs/option.md", "leads to no file"),
        ("docs/parity.md#your-files", "names no heading of parity.md"),
        ("https:/keepachangelog.com", "is no address"),
        ("https://local host/x", "is no address"),
        ("mailto:x", "is no address"),
        ("../../no_such_place", "leads to no file"),
        ("..", "leads out of the repository"),
    ],
)
def test_a_broken_link_is_found(link: str, why: str | None) -> None:
    assert why_broken(link, ROOT / "README.md") == why
