"""The certificate as a page; the last tests look at it in a browser."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

from hf_matlab_compat.parity.certificate import Certificate, Verdict
from hf_matlab_compat.parity.rendering import to_html
from tests.parity.judge.certificates import agreeing, differing

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage"),
)


class Reader(HTMLParser):
    """Collects tags, table rows and whether every tag is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.rows: list[list[str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in ("meta", "link", "img"):
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.rows and {"td", "th"} & set(self.open):
            self.rows[-1][-1] += data


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    return reader


def test_the_page_is_well_formed_and_needs_nothing_else() -> None:
    for certificate in (agreeing(), differing()):
        page = to_html(certificate)
        reader = read(page)
        assert reader.open == []
        assert "script" not in reader.tags
        assert not re.findall(r"(?:src|href)=[\"'](?!data:)|url\(|@import", page)


def test_every_comparison_is_a_row_that_is_read_without_javascript() -> None:
    rows = read(to_html(agreeing())).rows
    head = ["ep.", "stage", "detail", "ours", "reference", "apart", "bound", "from", "verdict"]
    found = [row for row in rows[rows.index(head) + 1 :] if len(row) == len(head)]
    lines = sorted(agreeing().lines, key=lambda line: [each.run for each in agreeing().lines].index(line.run))
    assert [row[3:5] for row in found] == [[line.ours, line.reference] for line in lines]
    assert [row[-1] for row in found] == [line.verdict.value.replace("agrees (tie)", "tie") for line in lines]


def test_a_run_of_which_nothing_was_compared_is_named() -> None:
    left_out = Certificate(lines=[replace(line, verdict=Verdict.NOT_RUN) for line in agreeing().lines])
    page = to_html(left_out)
    assert '<p class="verdict none">Not run</p>' in page
    assert f"Not run: nothing was compared of {' '.join(left_out.lines[0].run)}" in page


def test_texts_are_escaped() -> None:
    page = to_html(differing())
    assert "a &lt;b&gt; &amp; &#x27;c&#x27;" in page
    assert "7.3 <x>" not in page


def test_verdict_figures_and_first_divergence_are_on_the_page() -> None:
    page = to_html(differing(), "from somewhere import it")
    assert '<p class="verdict differs">Differs</p>' in page
    assert "First divergence" in page
    assert "from somewhere import it" in page
    assert "First divergence" not in to_html(agreeing())


def drawings(page: str) -> list[ElementTree.Element]:
    """The pictures of a page, as trees of SVG."""
    found = re.findall(r'<img src="data:image/svg\+xml;base64,([^"]+)" alt="[^"]+">', page)
    return [ElementTree.fromstring(base64.b64decode(each)) for each in found]


def texts(drawing: ElementTree.Element) -> list[str]:
    return ["".join(each.itertext()).strip() for each in drawing.iter("{http://www.w3.org/2000/svg}text")]


def test_both_sides_are_drawn_for_ll_rho_and_lambda_with_the_envelope() -> None:
    pytest.importorskip("matplotlib")
    found = drawings(to_html(agreeing()))
    titles = ["log-likelihood after the step", "reduction ratio rho", "lambda (log scale)"]
    assert [[title for title in titles if title in texts(each)] for each in found] == [[title] for title in titles]
    for each in found:
        styles = [use.get("style", "") for use in each.iter("{http://www.w3.org/2000/svg}use")]
        marks = [style for style in styles if "fill-opacity: 0.3" not in style]
        for colour in ("#d9730d", "#6ca0d6"):
            assert sum(f"fill: {colour};" in style for style in marks) == 8
        assert len(marks) < len(styles)


def test_a_figure_without_a_finite_value_says_so() -> None:
    pytest.importorskip("matplotlib")
    said = [text for each in drawings(to_html(differing())) for text in texts(each)]
    assert said.count("-Inf or NaN in every epoch") == 1


def test_without_matplotlib_a_sentence_stands_for_the_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    page = to_html(agreeing())
    assert "Pictures of these figures need matplotlib: pip install 'hf_matlab_compat[plot]'." in page
    assert "<img" not in page


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")
@pytest.mark.parametrize("certificate", [agreeing(), differing()], ids=["agreeing", "differing"])
def test_a_browser_shows_it_without_network_or_console_errors(certificate: Certificate, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    page = tmp_path / "certificate.html"
    page.write_text(to_html(certificate), encoding="utf-8")
    dom, log, requested = browse(page, tmp_path)
    assert dom.count("<img") == 3
    assert len(re.findall(r"<tr>", dom)) > len(certificate.lines)
    assert "CONSOLE" not in log
    assert requested <= {"file", "data"}


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")
def test_the_watch_on_the_browser_can_fail(tmp_path: Path) -> None:
    page = tmp_path / "loud.html"
    page.write_text('<img src="http://127.0.0.1:9/none.png"><script>nothing()</script>', encoding="utf-8")
    _, log, requested = browse(page, tmp_path)
    assert "CONSOLE" in log
    assert "http" in requested


def browse(page: Path, folder: Path) -> tuple[str, str, set[str]]:
    """The DOM, the browser's log, and the schemes of what the page asked for."""
    assert CHROMIUM is not None
    net_log = folder / "net.json"
    command = [CHROMIUM, *QUIET, f"--user-data-dir={folder / 'profile'}", "--enable-logging=stderr", "--v=0"]
    command += [f"--log-net-log={net_log}", "--virtual-time-budget=2000", "--dump-dom", page.as_uri()]
    done = subprocess.run(command, capture_output=True, timeout=90, check=True)
    events = json.loads(net_log.read_text(encoding="utf-8", errors="replace"))["events"]
    asked = [event["params"] for event in events if "initiator" in event.get("params", {})]
    # what the browser asks for by itself has "not an origin" for its initiator
    urls = [params["url"] for params in asked if params.get("url") and params["initiator"] != "not an origin"]
    return done.stdout.decode(), done.stderr.decode(errors="replace"), {url.partition(":")[0] for url in urls}
