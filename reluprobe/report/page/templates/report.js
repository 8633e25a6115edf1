// Sorts and filters the table of configurations, and opens single runs. Texts are only ever set
// as text, never as HTML.

const table = document.getElementById("table");
const body = table.tBodies[0];
const rows = [...body.rows]; // in the sweep's order
const heads = [...table.tHead.rows[0].cells];

document.documentElement.classList.add("live");

// Sorting: up, down, and back to the sweep's order.

function key(row, column) {
  const cell = row.cells[column];
  return cell.dataset.v ?? cell.textContent.trim();
}

function compare(a, b, direction) {
  if (a === "" || b === "") return (a === "") - (b === ""); // what has no value comes last
  const [x, y] = [Number(a), Number(b)];
  if (isNaN(x) || isNaN(y)) {
    if (isNaN(x) !== isNaN(y)) return direction * (isNaN(x) - isNaN(y)); // numbers before words
    return direction * a.localeCompare(b, "en", { numeric: true });
  }
  return direction * (x - y);
}

function sort(head) {
  const next = { none: "ascending", ascending: "descending", descending: "none" };
  const order = next[head.getAttribute("aria-sort")];
  for (const other of heads) if (other.hasAttribute("aria-sort")) other.setAttribute("aria-sort", "none");
  head.setAttribute("aria-sort", order);
  const column = heads.indexOf(head);
  const direction = order === "descending" ? -1 : 1;
  const sorted = order === "none" ? rows
    : [...rows].sort((a, b) => compare(key(a, column), key(b, column), direction));
  body.append(...sorted);
}

table.tHead.addEventListener("click", (event) => {
  const button = event.target.closest("button.sort");
  if (button) sort(button.closest("th"));
});

// Filtering: a row is kept if the buttons keep its settings, if its runs ended so, and if every
// word is one of its values. A word that is none may be the start of one; a number is the same
// however it is written; after a setting's name, or before and behind "=", comes its value.

const words = document.getElementById("words");
const fate = document.getElementById("fate");
const settings = rows.map((row) => JSON.parse(row.dataset.settings)); // as printed, by field
const called = new Map(axes.flatMap(({ field, title }) =>
  [field, title].map((name) => [name.toLowerCase(), field.toLowerCase()])));
const values = settings.map((own) => Object.entries(own).map(([field, value]) => {
  const text = value.toLowerCase();
  return { field: field.toLowerCase(), texts: [text, ...text.split(/[\s·,()]+/)] };
}));
const every = new Set(values.flat().flatMap(({ texts }) => texts));

function wishes(text) {
  let plain = text.toLowerCase().replaceAll("=", " ");
  for (const [name, field] of called) if (name.includes(" ")) plain = plain.replaceAll(name, field);
  const wanted = [];
  let field;
  for (const word of plain.split(/\s+/).filter(Boolean)) {
    if (called.has(word)) field = called.get(word);
    else {
      wanted.push({ field, word });
      field = undefined;
    }
  }
  return wanted;
}

const digits = (text) => (text === "" || isNaN(text) ? NaN : Number(text).toPrecision(3));

const means = (word, text) =>
  text === word || digits(text) === digits(word) || (!every.has(word) && text.startsWith(word));

function filter() {
  const wanted = wishes(words.value);
  let shown = 0;
  rows.forEach((row, n) => {
    const fits = wanted.every(({ field, word }) => values[n].some((value) =>
      (!field || value.field === field) && value.texts.some((text) => means(word, text))))
      && (!fate || !fate.value || row.dataset.fates.split(" ").includes(fate.value))
      && keeps(settings[n]);
    row.hidden = !fits;
    shown += fits;
  });
  for (const told of document.querySelectorAll(".count")) {
    told.textContent = `${shown} of ${rows.length} configurations shown`;
  }
}

words.addEventListener("input", filter);
if (fate) fate.addEventListener("change", filter);
words.form.addEventListener("submit", (event) => event.preventDefault());
filter(); // a browser may have kept the fields from the last visit

// A run: its history and settings, from the arrays that lie in the page (see histories.py).

const all = JSON.parse(document.getElementById("runs").textContent);
const dialog = document.getElementById("run");
const part = (name) => document.getElementById(`run-${name}`);

function element(name, text, attributes = {}) {
  const made = document.createElement(name);
  made.textContent = text;
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
  return made;
}

const percent = (tenths) => (tenths === null ? "n/a" : (tenths / 10).toFixed(1));

function history(run) {
  const { word, clock, loss } = table.dataset;
  const column = (text) => element("th", text, { scope: "col", class: "num" });
  const head = document.createElement("tr");
  head.append(...[clock, ...all.measures.map(([name]) => name), loss, ...run.l.map((name) => `${name} ${word} %`)].map(column));
  const lines = run.e.map((epoch, n) => {
    const row = document.createElement("tr");
    row.append(
      element("th", epoch, { scope: "row", class: "num" }),
      ...run.q[n].map((value, m) =>
        element("td", value?.toFixed(all.measures[m][1]) ?? "n/a", { class: "num" })),
      element("td", run.t[n]?.toPrecision(3) ?? "n/a", { class: "num" }),
      ...run.d[n].map((tenths) => {
        const cell = element("td", percent(tenths), { class: "num share" });
        if (tenths !== null) cell.style.setProperty("--s", `${tenths / 10}%`);
        return cell;
      }),
    );
    return row;
  });
  const caption = run.e.length < run.of ? `By ${clock}; ${run.e.length} of ${run.of} shown` : `By ${clock}`;
  part("history").replaceChildren(element("caption", caption), head, ...lines);
}

function settled(run) {
  const pair = ([name, value], own) => {
    const made = document.createElement("div");
    if (own) made.className = "own";
    made.append(element("dt", name.replaceAll("_", " ")), element("dd", value));
    return made;
  };
  part("settings").replaceChildren(
    ...Object.entries(run.settings).map((one) => pair(one, true)),
    ...Object.entries(all.settings).map((one) => pair(one, false)),
  );
}

function openRun(id) {
  const run = all.runs[id];
  if (!run) return;
  part("name").textContent = run.name;
  part("status").textContent = `Run ${id}: ${run.status}`;
  part("record").textContent = `Record: ${run.record}`;
  history(run);
  settled(run);
  dialog.showModal();
}

body.addEventListener("click", (event) => openRun(event.target.closest("button[data-run]")?.dataset.run));
