"use strict";
// Figures that answer: draws each once it is in sight, in the place of its static picture, and
// keeps all of them and the table to the values that are chosen of every setting.

const read = (id) => document.getElementById(id).textContent;
const scheme = matchMedia("(prefers-color-scheme: dark)");
const axes = JSON.parse(read("axes"));
const chosen = new Map(axes.map((axis) => [axis.field, new Set()])); // none of a setting: all of it
const drawings = new Map(); // of the figures that answer, by name: view, rows, fields, zooms

// What shows a row: it has a chosen value of each setting that it names.

const narrowed = () => axes.filter((axis) => chosen.get(axis.field).size);
const keeps = (row) => narrowed().every(({ field }) =>
  !(field in row) || row[field] === null || chosen.get(field).has(String(row[field])));

function coloured(text) {
  if (!scheme.matches) return text;
  const { day, night } = JSON.parse(read("colours"));
  return day.reduce((painted, colour, n) => painted.replaceAll(`"${colour}"`, `"${night[n]}"`), text);
}

// Zooming: horizontal axes that are logarithmic, as those of rates.

function zoomable(part, found = []) {
  if (Array.isArray(part)) part.forEach((inner) => zoomable(inner, found));
  else if (part && typeof part === "object") {
    const x = part.encoding?.x;
    if (part.mark && x?.scale?.type === "log" && x.scale.domain && !part.params) {
      const name = `zoom_${found.length}`;
      const controls = { zoom: "wheel![event.ctrlKey || event.metaKey]", clear: "dblclick" };
      part.params = [{ name, bind: "scales", select: { type: "interval", encodings: ["x"], ...controls } }];
      part.mark = { ...(part.mark.type ? part.mark : { type: part.mark }), clip: true };
      found.push({ signal: `${name}_${x.field}`, domain: x.scale.domain });
    } else for (const key of ["spec", "layer", "hconcat", "vconcat", "concat"]) zoomable(part[key], found);
  }
  return found;
}

function zoom(name, factor) {
  const { view, zooms } = drawings.get(name);
  for (const { signal, domain } of zooms) {
    const [low, high] = (view.signal(signal) ?? domain).map(Math.log);
    const [middle, half] = [(low + high) / 2, (factor * (high - low)) / 2];
    view.signal(signal, factor ? [Math.exp(middle - half), Math.exp(middle + half)] : null);
  }
  view.runAsync();
}

// Hovering: texts, in a table. What a pair is called and what it says may come from anybody.

function described(value, html) {
  if (typeof value !== "object") return html(value);
  const lines = Object.entries(value).filter(([, said]) => said !== "null" && said !== "undefined");
  return `<table>${lines.map(([name, said]) => `<tr><th>${html(name)}<td>${html(said)}`).join("")}</table>`;
}

async function draw(place) {
  const name = place.dataset.figure;
  const spec = JSON.parse(coloured(read(`spec-${name}`)));
  const zooms = zoomable(spec);
  const host = document.createElement("div");
  host.className = "chart";
  const made = await vegaEmbed(host, { ...spec, config: JSON.parse(coloured(read("theme"))) }, {
    ast: true, actions: false, renderer: "svg", tooltip: { theme: "page", formatTooltip: described },
  });
  drawings.get(name)?.view.finalize();
  const rows = Object.values(spec.datasets ?? {}).flat();
  const lacks = new Set(axes.filter(({ field }) => rows.some((row) => !(field in row))));
  drawings.set(name, { view: made.view, data: spec.datasets ?? {}, lacks, zooms, place });
  made.view.addEventListener("click", (_, item) => openRun(item?.datum?.run));
  host.addEventListener("click", legend);
  place.replaceChildren(host);
  place.closest("figure").querySelector(".zoom").hidden = !zooms.length;
  return keep(name);
}

async function keep(name) {
  const { view, data, lacks, place } = drawings.get(name);
  for (const [source, rows] of Object.entries(data)) view.data(source, rows.filter(keeps));
  await view.runAsync();
  place.style.setProperty("--width", `${place.querySelector("svg").getAttribute("width")}px`);
  const fixed = narrowed().filter((axis) => lacks.has(axis)).map((axis) => axis.title);
  place.closest("figure").querySelector(".fixed").textContent = fixed.length
    ? `Shows all of ${fixed.join(", ")}, whatever is chosen above: it is folded here.` : "";
}

// A click on an entry of a legend is a click on that value's button: the legend's title says whose.

function legend(event) {
  const entry = event.target.closest(".role-legend-symbol, .role-legend-label, .role-legend-entry > g > g");
  const title = entry?.closest(".role-legend")?.querySelector(".role-legend-title text")?.textContent;
  const value = entry?.parentElement.querySelector(".role-legend-label text")?.textContent;
  const axis = axes.find((one) => one.title === title);
  if (axis?.values.includes(value)) toggle(axis.field, value);
}

function toggle(field, value) {
  const values = chosen.get(field);
  if (!values.delete(value)) values.add(value);
  if (values.size === axes.find((axis) => axis.field === field).values.length) values.clear();
  choose();
}

function choose() {
  for (const button of document.querySelectorAll("button[data-field]")) {
    button.setAttribute("aria-pressed", chosen.get(button.dataset.field).has(button.dataset.value));
  }
  for (const name of drawings.keys()) keep(name);
  filter();
}

const choices = document.getElementById("choices");
choices?.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.field) return toggle(button.dataset.field, button.dataset.value);
  for (const values of chosen.values()) values.clear();
  choose();
});
if (choices && innerWidth < 640) choices.open = false;

document.getElementById("main").addEventListener("click", (event) => {
  const button = event.target.closest("button[data-zoom]");
  if (button) zoom(button.closest("figure").querySelector("[data-figure]").dataset.figure, Number(button.dataset.zoom));
});

// The static picture stays where a figure cannot be drawn, and says so.

const attempt = (place) => draw(place).catch((error) => {
  place.closest("figure").querySelector(".fixed").textContent = `Only as a picture: ${error.message}`;
});
const places = [...document.querySelectorAll("[data-figure]")];
const sight = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (!isIntersecting) continue;
    sight.unobserve(target);
    attempt(target);
  }
}, { rootMargin: "400px" });
for (const place of places) sight.observe(place);
scheme.addEventListener("change", () => {
  for (const { place } of drawings.values()) attempt(place);
});
