// Lets readers sort, filter and page the tables of a report. All is on the page without it and nothing leaves it.
"use strict";

const FILTERED = 6; // rows from which on a table can be filtered
const SHOWN = 200; // rows of a table that are shown until a reader asks for all

const words = (cell) => (cell.querySelector("summary + *") ?? cell).textContent.trim();
const missing = (text) => text === "" || text === "-";
const number = (text) => Number.parseFloat(text.replaceAll(",", ""));
const order = new Intl.Collator("en", { numeric: true });

function add(place, name, ...children) {
  const made = document.createElement(name);
  made.append(...children);
  place.append(made);
  return made;
}

/** Show the rows of `state.order` that have the words that are wanted, no more than `state.most`. */
function update(state) {
  let found = 0;
  for (const row of state.order) {
    const matches = !state.wanted || [...row.cells].some((cell) => words(cell).toLowerCase().includes(state.wanted));
    if (matches) found += 1;
    row.hidden = !matches || found > state.most;
  }
  if (state.count) state.count.value = state.wanted ? `${found} of ${state.order.length} rows` : "";
  if (!state.more) return;
  state.more.hidden = found <= state.most;
  state.more.firstChild.textContent = `Show all ${found} rows`;
}

function sort(state, column, sign) {
  const keys = new Map(state.order.map((row) => [row, words(row.cells[column])]));
  const numeric = isNumeric([...keys.values()]);
  const compare = (one, other) => {
    if (missing(one) || missing(other)) return missing(one) - missing(other); // what is not known stays last
    return sign * (numeric ? number(one) - number(other) : order.compare(one, other));
  };
  state.order.sort((a, b) => compare(keys.get(a), keys.get(b)));
  for (const row of state.order) state.body.append(row);
  update(state);
}

function isNumeric(texts) {
  const known = texts.filter((text) => !missing(text));
  return known.length > 0 && known.every((text) => /^[-+]?[\d,]+(\.\d+)?( |$|%)/.test(text));
}

function addSorting(table, state) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    if (!head.textContent.trim()) return;
    const button = add(head, "button", ...head.childNodes);
    button.type = "button";
    button.addEventListener("click", () => {
      const before = head.getAttribute("aria-sort");
      const up = before ? before === "descending" : !isNumeric(state.order.map((row) => words(row.cells[column])));
      for (const each of heads) each.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      sort(state, column, up ? 1 : -1);
    });
  });
  table.classList.add("live");
}

function addFilter(table, state) {
  const line = document.createElement("p");
  const field = document.createElement("input");
  field.type = "search";
  line.className = "filter";
  add(line, "label", "Filter ", field);
  line.append(" ");
  state.count = add(line, "output");
  table.parentNode.before(line);
  field.addEventListener("input", () => {
    state.wanted = field.value.trim().toLowerCase();
    update(state);
  });
}

function addPages(table, state) {
  state.more = document.createElement("p");
  state.more.className = "more";
  const button = add(state.more, "button", "");
  button.type = "button";
  button.addEventListener("click", () => {
    state.most = Infinity;
    update(state);
  });
  table.parentNode.after(state.more);
  update(state);
}

for (const table of document.querySelectorAll("table")) {
  const body = table.tBodies[0];
  const state = { body, order: [...body.rows], wanted: "", most: SHOWN };
  if (state.order.length > 1) addSorting(table, state);
  if (state.order.length >= FILTERED) addFilter(table, state);
  if (state.order.length > SHOWN) addPages(table, state);
}
