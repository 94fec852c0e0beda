/* The controls of the report. Foreign text reaches the page as text nodes and attributes only, never as markup. */

const data = await unpacked(document.getElementById("data").textContent);
const PAGE = 40; // checks that are put into the page at a time, so that ten thousand do not make it slow
const SYMBOLS = { PASS: "✓", WARNING: "!", FAIL: "✕", SKIPPED: "–" };
const SEVERITY = ["FAIL", "WARNING", "SKIPPED", "PASS"];

const form = document.querySelector(".filters");
const list = document.getElementById("list");
const count = document.getElementById("count");
const more = document.getElementById("more");
const said = document.getElementById("said");

/** Return an element with attributes and children; a child that is text becomes a text node. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

const bySeverity = (one, other) => SEVERITY.indexOf(one.status) - SEVERITY.indexOf(other.status);
const ordered = [...data.checks].sort(bySeverity); // what failed first; otherwise as the verdict has them

const pairOf = (check) => [check.cell, check.seed].filter((part) => part !== undefined).join("/");

// --- data ------------------------------------------------------------------------------------------------------

/** Return the checks, each with its run, and the runs by id: `packed` has them as columns, deflated and in base64. */
async function unpacked(packed) {
  const bytes = Uint8Array.from(atob(packed), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  const columns = await new Response(stream).json();
  const [checks, runs] = [rowsOf(columns.checks), rowsOf(columns.runs)];
  for (const check of checks) check.run = runs[check.run];
  return { checks, runs: new Map(runs.map((run) => [run.id, run])) };
}

/** Return a table's rows; a row has nothing for a null. */
function rowsOf(columns) {
  const names = Object.keys(columns);
  return columns[names[0]].map((_, at) => {
    const row = {};
    for (const name of names) if (columns[name][at] !== null) row[name] = columns[name][at];
    return row;
  });
}

// --- checks ----------------------------------------------------------------------------------------------------

/** Return a run's id, as a link where MLflow has a page for it. */
function runLink({ id, url }) {
  return url ? make("a", { href: url, rel: "noreferrer" }, id) : id;
}

function evidenceOf(check) {
  const facts = [
    ["observed", check.observed],
    ["expected", check.expected],
    ["read from", check.read],
    ["run", check.run && runLink(check.run)],
    ["accepted by waiver", check.waived],
    ["kind", check.kind],
  ];
  const rows = facts
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value)));
  const parts = [make("p", { class: "message" }, check.message), make("dl", {}, ...rows)];
  if (check.table) parts.push(tableOf(check.table));
  if (check.status !== "PASS") parts.push(copyButton(check.message, "the finding and its fix"));
  return parts;
}

/** Return what a check lists as a table that scrolls by itself. */
function tableOf([head, ...rows]) {
  const titles = make("tr", {}, ...head.map((title) => make("th", { scope: "col" }, title)));
  const lines = rows.map((row) => make("tr", {}, ...row.map((text) => make("td", {}, text))));
  const table = make("table", {}, make("thead", {}, titles), make("tbody", {}, ...lines));
  return make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "What it counts" }, table);
}

/** Return a line for a check; what it rests on is made when it is opened. */
function line(check) {
  const status = check.status.toLowerCase();
  const details = make(
    "details",
    {},
    make(
      "summary",
      {},
      make("span", { class: `chip ${status}` }, make("span", { "aria-hidden": "true" }, SYMBOLS[check.status]), ` ${check.gate}`),
      make("span", { class: "hidden" }, check.status),
      make("span", { class: "where" }, pairOf(check)),
      make("code", {}, check.subject),
      make("span", { class: "brief" }, check.message),
    ),
  );
  details.addEventListener("toggle", () => details.append(make("div", { class: "evidence" }, ...evidenceOf(check))), { once: true });
  return make("li", {}, details);
}

// --- filters ---------------------------------------------------------------------------------------------------

let found = [];
let shown = 0;

function showMore() {
  const page = found.slice(shown, shown + PAGE);
  list.append(...page.map(line));
  shown += page.length;
  more.hidden = shown >= found.length;
  more.textContent = `Show ${Math.min(PAGE, found.length - shown)} more of ${found.length - shown}`;
}

/** Return the text that the free-text filter looks in, once for each check. */
function haystack(check) {
  check.text ??= [pairOf(check), check.subject, check.message, check.observed, check.expected, check.run?.id, check.kind, check.run?.name]
    .filter((part) => part !== undefined)
    .join("\n")
    .toLowerCase();
  return check.text;
}

function filter() {
  const wanted = new FormData(form);
  const [gate, cell, seed] = ["gate", "cell", "seed"].map((name) => wanted.get(name));
  const statuses = new Set(wanted.getAll("status"));
  const words = wanted.get("text").toLowerCase().split(/\s+/).filter(Boolean);
  found = ordered.filter(
    (check) =>
      statuses.has(check.status) &&
      (!gate || check.gate === gate) &&
      (!cell || check.cell === cell) &&
      (!seed || check.seed === seed) &&
      words.every((word) => haystack(check).includes(word)),
  );
  shown = 0;
  list.replaceChildren();
  showMore();
  count.textContent = found.length === data.checks.length ? `${found.length} checks` : `${found.length} of ${data.checks.length} checks`;
}

/** Offer what the checks have, in the order in which they have it. */
function offer(name) {
  const values = new Set(data.checks.map((check) => check[name]).filter((value) => value !== undefined));
  form.elements[name].append(...[...values].map((value) => make("option", { value }, value)));
}

function showGate(gate) {
  form.reset();
  form.elements.gate.value = gate;
  filter();
  document.getElementById("checks").scrollIntoView();
  form.elements.gate.focus({ preventScroll: true });
}

offer("cell");
offer("seed");
form.addEventListener("input", filter);
form.addEventListener("reset", () => setTimeout(filter)); // the fields are emptied after this event
form.addEventListener("submit", (event) => event.preventDefault());
more.addEventListener("click", () => {
  const next = shown;
  showMore();
  list.children[next].querySelector("summary").focus();
});
filter();

// --- dialogs ---------------------------------------------------------------------------------------------------

function showRun(mark) {
  const { cell, seed, run } = mark.dataset;
  const facts = data.runs.get(run);
  document.getElementById("run-title").textContent = seed ? `${cell} / ${seed}` : cell;
  const rows = facts ? [["run", runLink(facts)], ["name", facts.name], ["status", facts.status], ["started (UTC)", facts.started], ["took", facts.took], ["commit", facts.commit]] : [];
  document
    .getElementById("run-facts")
    .replaceChildren(...rows.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value))));
  const checks = ordered.filter((check) => (run && check.run?.id === run) || (!check.run && check.cell === cell && (check.seed ?? "") === seed));
  document.getElementById("run-checks").replaceChildren(...checks.map(line));
  document.getElementById("run-dialog").showModal();
}

function showFigure(button) {
  const { src, alt } = button.querySelector("img");
  document.getElementById("figure-title").textContent = alt;
  Object.assign(document.getElementById("figure-large"), { src, alt });
  document.getElementById("figure-dialog").showModal();
}

for (const dialog of document.querySelectorAll("dialog"))
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close()); // beside it

// --- copying ---------------------------------------------------------------------------------------------------

function copyButton(text, what) {
  return make("button", { type: "button", class: "copy", "data-copy": text, "aria-label": `Copy ${what}` }, "Copy");
}

async function copy(button) {
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.textContent = "Copied";
    said.textContent = "Copied";
  } catch {
    button.textContent = "Not allowed here";
    said.textContent = "The browser does not allow copying here";
  }
  setTimeout(() => {
    button.textContent = "Copy";
    said.textContent = "";
  }, 2000);
}

// --- what is folded ----------------------------------------------------------------------------------------------

const folded = () => [...document.querySelectorAll("details.fold:not([open])")];
let closed = [];

window.addEventListener("beforeprint", () => {
  closed = folded();
  for (const details of closed) details.open = true;
});
window.addEventListener("afterprint", () => {
  for (const details of closed) details.open = false;
});

for (const link of document.querySelectorAll("nav a"))
  link.addEventListener("click", () => {
    const section = document.querySelector(link.getAttribute("href"));
    for (const details of section.querySelectorAll("details.fold")) details.open = true;
  });

// --- clicks ----------------------------------------------------------------------------------------------------

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.matches(".copy")) copy(button);
  else if (button?.matches(".mark")) showRun(button);
  else if (button?.matches(".zoom")) showFigure(button);
  else if (button?.dataset.gate) showGate(button.dataset.gate);
});
