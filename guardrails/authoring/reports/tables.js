// Lets readers sort and filter the tables of a report. All is on the page without it and nothing leaves it.
"use strict";

const FILTERED = 6; // rows from which on a table can be filtered

const words = (row, column) => row.cells[column].textContent.trim();
const missing = (text) => text === "" || text === "-";
const number = (text) => Number.parseFloat(text.replaceAll(",", ""));
const order = new Intl.Collator("en", { numeric: true });

function compare(one, other, numeric, sign) {
  if (missing(one) || missing(other)) return missing(one) - missing(other); // what is not known stays last
  return sign * (numeric ? number(one) - number(other) : order.compare(one, other));
}

function addSorting(table, body, rows) {
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    if (!head.textContent.trim()) return;
    const known = rows.map((row) => words(row, column)).filter((text) => !missing(text));
    const numeric = known.length > 0 && known.every((text) => /^[-+]?[\d,]+(\.\d+)?( |$|%)/.test(text));
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const before = head.getAttribute("aria-sort");
      const up = before === null ? !numeric : before === "descending";
      for (const each of table.tHead.rows[0].cells) each.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const sign = up ? 1 : -1;
      body.append(...[...rows].sort((a, b) => compare(words(a, column), words(b, column), numeric, sign)));
    });
  });
  table.classList.add("live");
}

function addFilter(table, rows) {
  const field = document.createElement("input");
  const shown = document.createElement("output");
  const label = document.createElement("label");
  const line = document.createElement("p");
  field.type = "search";
  label.append("Filter ", field);
  line.className = "filter";
  line.append(label, " ", shown);
  table.parentNode.before(line);
  field.addEventListener("input", () => {
    const wanted = field.value.trim().toLowerCase();
    for (const row of rows) row.hidden = !row.textContent.toLowerCase().includes(wanted);
    shown.value = wanted ? `${rows.filter((row) => !row.hidden).length} of ${rows.length} rows` : "";
  });
}

for (const table of document.querySelectorAll("table")) {
  const body = table.tBodies[0];
  const rows = [...body.rows];
  if (rows.length > 1) addSorting(table, body, rows);
  if (rows.length >= FILTERED) addFilter(table, rows);
}
