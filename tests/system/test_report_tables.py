"""The script of reports' tables, as a browser's document runs it (jsdom)."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from guardrails.authoring.markup import cover_text, make_page, make_table

ROWS = 205
SCRIPT = """
import { readFileSync } from "node:fs";
import { JSDOM } from "jsdom";
const { document, Event } = new JSDOM(readFileSync("page.html", "utf8"), { runScripts: "dangerously" }).window;
const table = document.querySelector("table");
const body = table.tBodies[0];
const shown = () => [...body.rows].filter((row) => !row.hidden).map((row) => row.cells[0].textContent);
const press = (at) => table.tHead.rows[0].cells[at].querySelector("button").click();
const more = document.querySelector(".more");
const field = document.querySelector(".filter input");
const filter = (words) => { field.value = words; field.dispatchEvent(new Event("input")); return shown(); };
const out = { first: shown().length, more: [more.hidden, more.textContent] };
press(1);
out.down = [table.tHead.rows[0].cells[1].getAttribute("aria-sort"), shown().slice(0, 3)];
press(1);
out.up = [table.tHead.rows[0].cells[1].getAttribute("aria-sort"), shown().slice(0, 3)];
out.summary = filter("show the text").length;
out.covered = filter("SECRET 7.");
out.count = document.querySelector(".filter output").textContent;
filter("");
more.querySelector("button").click();
out.all = [shown().length, more.hidden, shown().at(-1)];
console.log(JSON.stringify(out));
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What the script did with a table of names, numbers, of which one is missing, and covered texts."""
    folder = tmp_path_factory.mktemp("tables")
    rows = [(f"r{at}", "-" if at == 3 else f"{at:,}.5 %", cover_text(f"secret {at}.")) for at in range(ROWS)]
    (folder / "page.html").write_text(make_page("t", [make_table(("Name", "Share", "Text"), rows)]), "utf-8")
    (folder / "ask.mjs").write_text(SCRIPT, "utf-8")
    install = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder), "jsdom@26"]
    subprocess.run(install, check=True, timeout=300)
    done = subprocess.run(
        ["node", "ask.mjs"], cwd=folder, capture_output=True, text=True, timeout=120, check=True
    )
    return json.loads(done.stdout)


def test_numbers_are_sorted_as_numbers(told: Any) -> None:
    """The highest first, then the lowest; what is missing stays last."""
    assert told["down"] == ["descending", ["r204", "r203", "r202"]]
    assert told["up"] == ["ascending", ["r0", "r1", "r2"]]
    assert told["all"][2] == "r3"


def test_texts_that_are_covered_can_be_filtered_by(told: Any) -> None:
    """By what they say, in any case, and not by the words that cover them."""
    assert (told["covered"], told["count"]) == (["r7"], f"1 of {ROWS} rows")
    assert told["summary"] == 0


def test_long_tables_are_shown_in_part(told: Any) -> None:
    """Until a reader asks for all of it."""
    assert (told["first"], told["more"]) == (200, [False, f"Show all {ROWS} rows"])
    assert told["all"][:2] == [ROWS, True]
