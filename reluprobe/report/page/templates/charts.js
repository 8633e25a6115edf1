// Figures that answer: draws each once it is in sight, in the place of its static picture, and
// keeps all of them and the table to the values that are chosen of every setting.

const axes = JSON.parse(read("axes"));
const chosen = new Map(axes.map((axis) => [axis.field, new Set()])); // none of a setting: all of it
const drawings = new Map(); // of the figures that answer, by name: view, rows, fields, zooms

// What shows a row: it has a chosen value of each setting that it names.

const narrowed = () => axes.filter((axis) => chosen.get(axis.field).size);
const keeps = (row) => narrowed().every(({ field }) =>
  !(field in row) || row[field] === null || chosen.get(field).has(String(row[field])));

function zoom(name, factor) {
  const { view, zooms } = drawings.get(name);
  for (const { signal, domain } of zooms) {
    const [low, high] = (view.signal(signal) ?? domain).map(Math.log);
    const [middle, half] = [(low + high) / 2, (factor * (high - low)) / 2];
    view.signal(signal, factor ? [Math.exp(middle - half), Math.exp(middle + half)] : null);
  }
  view.runAsync();
}

// A figure folds a setting that some of its rows do not name; those that name none are its frame.

function folds(rows) {
  const named = rows.filter((row) => axes.some(({ field }) => field in row));
  return new Set(axes.filter(({ field }) => !named.length || named.some((row) => !(field in row))));
}

const runOf = (row) => row?.record?.match(/^runs\/(.*)\.json$/)?.[1];

async function draw(place) {
  const name = place.dataset.figure;
  const spec = JSON.parse(coloured(read(`spec-${name}`)));
  for (const [source, blocks] of Object.entries(spec.datasets)) spec.datasets[source] = unpacked(blocks);
  const rows = Object.values(spec.datasets).flat();
  const zooms = zoomed(spec);
  pointed(spec, rows.length);
  const host = document.createElement("div");
  host.className = "chart";
  const config = JSON.parse(coloured(read("theme")));
  const made = await vegaEmbed(host, { ...spec, config }, {
    ast: true, actions: false, logLevel: 1, renderer: "svg", tooltip: { theme: "page", formatTooltip: described },
  });
  drawings.get(name)?.view.finalize();
  drawings.set(name, { view: made.view, data: spec.datasets, folds: folds(rows), zooms, place });
  made.view.addEventListener("click", (_, item) => openRun(runOf(item?.datum)));
  host.addEventListener("click", legend);
  place.replaceChildren(host);
  place.closest("figure").querySelector(".zoom").hidden = !zooms.length;
  return keep(name);
}

async function keep(name) {
  const { view, data, folds, place } = drawings.get(name);
  let kept = 0;
  for (const [source, rows] of Object.entries(data)) {
    const chosenOnes = rows.filter(keeps);
    if (axes.some(({ field }) => rows.some((row) => field in row))) kept += chosenOnes.length;
    view.data(source, chosenOnes);
  }
  const folded = narrowed().filter((axis) => folds.has(axis)).map((axis) => axis.title);
  place.hidden = !kept && folded.length < narrowed().length;
  if (!place.hidden) await view.runAsync();
  place.style.setProperty("--width", `${place.querySelector("svg").getAttribute("width")}px`);
  say(place, place.hidden ? "Nothing of what is chosen above is in this figure."
    : folded.length && `What stands here is of all of ${folded.join(", ")}, whatever is chosen above.`);
}

function say(place, text) {
  place.closest("figure").querySelector(".fixed").textContent = text || "";
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

const attempt = (place) => draw(place).catch((error) => say(place, `Only as a picture: ${error.message}`));
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
