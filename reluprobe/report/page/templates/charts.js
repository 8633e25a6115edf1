"use strict";
// Figures that answer: draws each once it is in sight, in the place of its static picture, and
// keeps all of them and the table to the chosen values of every setting.

const scheme = matchMedia("(prefers-color-scheme: dark)");
const axes = JSON.parse(document.getElementById("axes").textContent);
const theme = document.getElementById("theme").textContent;
const chosen = new Map(axes.map((axis) => [axis.field, new Set(axis.values)]));
const views = new Map(); // of the figures that are drawn: view, and its whole data by name

// A row is kept if each setting that it names has a chosen value; what it does not name is no bar.
const keeps = (row) => axes.every(({ field }) =>
  !(field in row) || row[field] === null || chosen.get(field).has(String(row[field])));

function coloured(text) {
  const { day, night } = JSON.parse(document.getElementById("colours").textContent);
  return scheme.matches ? day.reduce((t, c, n) => t.replaceAll(`"${c}"`, `"${night[n]}"`), text) : text;
}

async function draw(place) {
  const spec = JSON.parse(coloured(document.getElementById(`spec-${place.dataset.figure}`).textContent));
  const host = document.createElement("div");
  host.className = "chart";
  const made = await vegaEmbed(host, { ...spec, config: JSON.parse(coloured(theme)) }, {
    ast: true, actions: false, renderer: "svg", tooltip: { theme: scheme.matches ? "dark" : "light" },
  });
  views.get(place.dataset.figure)?.view.finalize();
  views.set(place.dataset.figure, { view: made.view, data: spec.datasets ?? {} });
  host.addEventListener("click", legend);
  place.replaceChildren(host);
  keep(place.dataset.figure);
}

function keep(name) {
  const { view, data } = views.get(name);
  for (const [source, rows] of Object.entries(data)) view.data(source, rows.filter(keeps));
  view.runAsync();
}

// A click on an entry of a legend is a click on that value's button: the legend's title says whose.

function legend(event) {
  const entry = event.target.closest(".role-legend-symbol, .role-legend-label");
  const title = entry?.closest(".role-legend")?.querySelector(".role-legend-title text")?.textContent;
  const value = entry?.parentElement.querySelector(".role-legend-label text")?.textContent;
  const axis = axes.find((one) => one.title === title);
  if (axis?.values.includes(value)) toggle(axis.field, value);
}

function toggle(field, value) {
  const values = chosen.get(field);
  if (!values.delete(value)) values.add(value);
  if (!values.size) for (const other of axes.find((axis) => axis.field === field).values) values.add(other);
  choose();
}

function choose() {
  for (const button of document.querySelectorAll("button[data-field]")) {
    button.setAttribute("aria-pressed", chosen.get(button.dataset.field).has(button.dataset.value));
  }
  for (const name of views.keys()) keep(name);
  filter();
}

document.getElementById("choices")?.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.field) return toggle(button.dataset.field, button.dataset.value);
  for (const { field, values } of axes) chosen.set(field, new Set(values));
  choose();
});

const places = [...document.querySelectorAll("[data-figure]")];
const sight = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (!isIntersecting) continue;
    sight.unobserve(target);
    draw(target);
  }
}, { rootMargin: "400px" });
for (const place of places) sight.observe(place);
scheme.addEventListener("change", () => {
  for (const place of places) if (views.has(place.dataset.figure)) draw(place);
});
