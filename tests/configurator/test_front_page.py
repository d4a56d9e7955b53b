"""The front page: whole in one file, and quiet in a real browser."""

import json
import re
import shutil
import subprocess
from dataclasses import astuple
from pathlib import Path

import pytest

from configurator.figures import front_page
from tests.configurator.demonstration import demonstration

CHROMIUM = shutil.which("chromium")


@pytest.fixture(scope="module")
def page() -> str:
    return front_page(demonstration())


def own_part(page: str) -> str:
    """Return the page without Plotly's script."""
    from plotly.offline import get_plotlyjs

    return page.replace(get_plotlyjs(), "")


def test_the_page_is_one_file(page):
    ours = own_part(page)
    assert len(page) - len(ours) > 1_000_000
    assert not re.findall(r"""(?:src|href)=["'](?!data:)[^"']+""", ours)
    assert not re.findall(r"https?://", ours)
    assert "showSendToCloud: false" in ours


def test_nothing_may_leave_the_page(page):
    assert "default-src 'none'" in page
    assert "connect-src" not in page


def test_a_name_cannot_end_the_script_that_holds_it(page):
    data = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert data is not None
    content = json.loads(data.group(1))
    assert content["title"] == "Loire </script> & care for people aged 75+"
    assert "<title>Loire &lt;/script&gt; &amp; care" in page


def test_the_page_holds_every_plan_with_its_intervals_and_changes(page):
    data = re.search(r'id="data">(.*?)</script>', page, re.DOTALL)
    assert data is not None
    plans = json.loads(data.group(1))["plans"]
    view = demonstration()
    assert [plan["id"] for plan in plans] == [plan.row.id for plan in view.plans]
    assert plans[3]["values"][0] == list(astuple(view.plans[3].row.objectives[0]))
    assert plans[3]["changes"] == view.plans[3].row.changes
    assert plans[3]["dominates_today"]


def browse(page: Path, profile: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Open a page in headless Chromium without any network of its own."""
    assert CHROMIUM is not None
    command = [
        CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
        "--disable-component-update", "--disable-sync", "--disable-default-apps", "--no-first-run",
        "--host-resolver-rules=MAP * ~NOTFOUND", "--enable-logging=stderr", "--v=0",
        f"--user-data-dir={profile}", "--window-size=1360,1900", "--virtual-time-budget=15000",
        *options, page.as_uri(),
    ]  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)


WATCHED = """
<script>
window.addEventListener("load", () => setTimeout(async () => {
  const click = (selector) => document.querySelector(selector).click();
  const pause = () => new Promise((done) => setTimeout(done, 700));
  const views = document.querySelectorAll("#views button").length;
  const charts = document.querySelectorAll("#charts .main-svg").length;
  click("#plans tbody tr.plan"); click("#others"); click("#plans tbody tr.plan"); await pause();
  click("#plans tbody tr.plan"); await pause();
  click("#plans thead button"); await pause();
  for (let i = 0; i < views; i++) { document.querySelectorAll("#views button")[i].click(); await pause(); }
  const loaded = performance.getEntriesByType("resource").map((entry) => entry.name);
  console.log("CHECKED " + JSON.stringify({ views, charts, rows: document.querySelectorAll("#plans tbody tr").length,
    detail: document.querySelectorAll("#detail table").length, loaded }));
}, 500));
</script>
"""


SPEED_HINTS = (
    "GL Driver Message",
    "Canvas2D: Multiple readback",
    "fallback to software WebGL",
)  # drawing 3-D without a graphics card is slow


def console_lines(done: subprocess.CompletedProcess[str]) -> list[str]:
    lines = [line for line in done.stderr.splitlines() if ":CONSOLE" in line]
    return [line for line in lines if not any(hint in line for hint in SPEED_HINTS)]


def hosts_asked(netlog: Path) -> set[str]:
    """Return every host the page asked, by Chromium's own log; what the browser asks for itself has no origin."""
    log = json.loads(netlog.read_text(encoding="utf-8"))
    asked = [event["params"] for event in log["events"] if "initiator" in event.get("params", {})]
    by_page = [params["url"] for params in asked if params["initiator"] != "not an origin"]
    return {url.split("/")[2] for url in by_page if re.match(r"(https?|wss?)://", url)}


@pytest.mark.browser
def test_in_a_browser_no_console_error_and_no_request(page, tmp_path):
    (tmp_path / "front.html").write_text(page.replace("</body>", WATCHED + "</body>"), encoding="utf-8")
    netlog = tmp_path / "netlog.json"
    done = browse(
        tmp_path / "front.html", tmp_path / "profile", f"--log-net-log={netlog}", f"--screenshot={tmp_path / 'a.png'}"
    )
    lines = console_lines(done)
    checked = [line for line in lines if "CHECKED" in line]
    assert len(lines) == len(checked) == 1, lines
    found = json.loads(re.search(r'CHECKED (\{.*\})"', checked[0]).group(1))
    assert found["views"] == 5
    assert found["charts"] >= 3
    assert found["rows"] == 19
    assert found["detail"] == 4
    assert found["loaded"] == []
    assert hosts_asked(netlog) == set()
    assert (tmp_path / "a.png").stat().st_size > 20_000


@pytest.mark.browser
def test_the_browser_check_would_see_an_error_and_a_request(page, tmp_path):
    spoilt = "<script>fetch('http://example.invalid/x').catch(() => 0); undefinedThing();</script></body>"
    open_page = page.replace("default-src 'none'", "default-src * 'unsafe-inline'").replace("</body>", spoilt)
    (tmp_path / "front.html").write_text(open_page, encoding="utf-8")
    netlog = tmp_path / "netlog.json"
    done = browse(tmp_path / "front.html", tmp_path / "profile", f"--log-net-log={netlog}", "--dump-dom")
    assert any("undefinedThing" in line for line in console_lines(done))
    assert "example.invalid" in hosts_asked(netlog)
