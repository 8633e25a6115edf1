"use strict";
// What a figure needs on a page beside what is drawn on paper: colours by night, places to point
// at, horizontal axes that zoom. Each takes a chart in Vega-Lite's grammar.

const read = (id) => document.getElementById(id).textContent;

// Rows lie in blocks that have the same fields, column by column (see packed.py). A field without a
// name says which of the parts that rows share a row has: a configuration's settings, a run.

const column = (values) =>
  values.runs?.flatMap((value, n) => (n % 2 ? [] : Array(values.runs[n + 1]).fill(value))) ?? values;

let shared;

function unpacked(blocks) {
  shared ??= JSON.parse(read("shared"));
  return blocks.flatMap(({ fields, columns }) => {
    const values = columns.map(column);
    return values[0].map((_, row) => Object.assign({},
      ...fields.map((name, n) => (name ? { [name]: values[n][row] } : shared[values[n][row]]))));
  });
}

const scheme = matchMedia("(prefers-color-scheme: dark)");

function coloured(text) {
  if (!scheme.matches) return text;
  const { day, night } = JSON.parse(read("colours"));
  return day.reduce((painted, colour, n) => painted.replaceAll(`"${colour}"`, `"${night[n]}"`), text);
}

// The charts that each have axes of their own: a list of marks that lie on each other.

function layered(part) {
  return part.layer ? part.layer.flatMap(layered) : part.mark ? [part] : [];
}

function panels(part) {
  if (!part) return [];
  if (part.layer || part.mark) return [layered(part)];
  return ["hconcat", "vconcat", "concat"].flatMap((key) => (part[key] ?? []).flatMap(panels)).concat(panels(part.spec));
}

// A line is one mark: who points at it is told of its first row. So each row has a point that is
// not seen; of very many rows the line says which it is, and no more.

const MOST_POINTS = 4000;

function pointed(spec, rows) {
  panels(spec).flat().forEach((part) => {
    const { tooltip, ...encoding } = part.encoding ?? {};
    if ((part.mark.type ?? part.mark) !== "line" || !tooltip) return;
    if (rows > MOST_POINTS) {
      part.encoding.tooltip = [tooltip].flat().filter(({ type }) => type === "nominal");
      return;
    }
    const { mark, params = [] } = part;
    const { strokeDash, strokeWidth, order, ...placed } = encoding;
    const point = { type: "point", opacity: 0, size: 150, filled: true };
    delete part.mark;
    delete part.params;
    part.encoding = {};
    part.layer = [{ mark, encoding, params }, { mark: point, encoding: { ...placed, tooltip } }];
  });
}

// Axes that zoom are logarithmic ones, as those of rates.

function zoomed(spec) {
  const zooms = [];
  for (const marks of panels(spec)) {
    const scaled = marks.filter(({ encoding }) => encoding?.x?.scale?.type === "log" && encoding.x.scale.domain);
    if (!scaled.length || marks.some(({ params }) => params)) continue;
    const [{ encoding: { x } }] = scaled;
    const name = `zoom_${zooms.length}`;
    const controls = { zoom: "wheel![event.ctrlKey || event.metaKey]", clear: "dblclick" };
    scaled[0].params = [{ name, bind: "scales", select: { type: "interval", encodings: ["x"], ...controls } }];
    for (const part of scaled) part.mark = { ...(part.mark.type ? part.mark : { type: part.mark }), clip: true };
    zooms.push({ signal: `${name}_${x.field}`, domain: x.scale.domain });
  }
  return zooms;
}

// Hovering: texts, in a table. What a pair is called and what it says may come from anybody.

function described(value, html) {
  if (typeof value !== "object") return html(value);
  const lines = Object.entries(value).filter(([, said]) => said !== "null" && said !== "undefined");
  return `<table>${lines.map(([name, said]) => `<tr><th>${html(name)}<td>${html(said)}`).join("")}</table>`;
}
