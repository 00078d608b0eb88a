// A small plot of lines or stacked bars, drawn at its real width; a table says the same in numbers.

import { make } from "../make.js";
import { line, say } from "../texts.js";

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 200;
const EDGE = { left: 52, right: 12, top: 12, bottom: 26 };

/**
 * A figure: `at` are the labels of the columns, `lines` or `bars` are `{name, kind, values}` (null: nothing
 * known), `say(value)` tells a value in words.
 */
export function plot({ title, empty, at, say: tell, lines = [], bars = [] }) {
  const series = [...lines, ...bars];
  const figure = make("figure", { class: "plot" });
  const caption = make("figcaption", {}, make("h3", {}, title));
  const known = series.some(({ values }) => values.some((value) => value));
  if (!known) {
    figure.append(caption, make("p", { class: "facts" }, empty));
    return figure;
  }
  const readout = make("p", { class: "facts readout", "aria-hidden": "true" });
  const frame = make("div", { class: "frame" });
  figure.append(caption, legend(series, bars.length > 0), frame, readout, table(at, series, tell));
  const label = `${title}. ${series.map(({ name, values }) => `${name}: ${summary(values, tell)}`).join(". ")}`;
  let width = 0;
  new ResizeObserver(([entry]) => {
    const now = Math.round(entry.contentRect.width);
    if (now === width || now === 0) return;
    width = now;
    frame.replaceChildren(drawing({ width, label, at, lines, bars, tell, readout }));
  }).observe(frame);
  return figure;
}

function drawing({ width, label, at, lines, bars, tell, readout }) {
  const columns = at.length;
  const sums = at.map((_, column) => bars.reduce((sum, { values }) => sum + (values[column] ?? 0), 0));
  const top = ceiling(Math.max(...sums, ...lines.flatMap(({ values }) => values.map((value) => value ?? 0))), bars.length > 0);
  const inner = { width: width - EDGE.left - EDGE.right, height: HEIGHT - EDGE.top - EDGE.bottom };
  const x = (column) => EDGE.left + ((column + 0.5) * inner.width) / columns;
  const y = (value) => EDGE.top + inner.height * (1 - value / top);
  const svg = shape("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT, role: "img", "aria-label": label });
  for (const part of [0, 0.5, 1]) {
    svg.append(shape("line", { class: "grid", x1: EDGE.left, x2: width - EDGE.right, y1: y(top * part), y2: y(top * part) }));
    svg.append(words(EDGE.left - 8, y(top * part) + 4, "end", tell(top * part)));
  }
  const every = Math.max(1, Math.ceil(columns / Math.max(2, Math.floor(inner.width / 84))));
  for (let column = 0; column < columns; column += every) {
    svg.append(words(x(column), HEIGHT - 7, column === 0 ? "start" : "middle", at[column]));
  }
  const thick = Math.max(1.5, (inner.width / columns) * 0.7);
  at.forEach((_, column) => {
    let below = 0;
    bars.forEach(({ kind, values }) => {
      const value = values[column] ?? 0;
      if (!value) return;
      svg.append(shape("rect", { class: `bar-${kind}`, x: x(column) - thick / 2, width: thick, y: y(below + value), height: y(below) - y(below + value) }));
      below += value;
    });
  });
  lines.forEach(({ values }, nth) => {
    let path = "";
    let drawn = false;
    values.forEach((value, column) => {
      if (value === null) drawn = false;
      else {
        path += `${drawn ? "L" : "M"}${x(column).toFixed(1)} ${y(value).toFixed(1)}`;
        drawn = true;
        svg.append(shape("circle", { class: `dot-${nth}`, cx: x(column), cy: y(value), r: columns > 40 ? 1.8 : 2.6 }));
      }
    });
    svg.append(shape("path", { class: `line-${nth}`, d: path }));
  });
  const cursor = shape("line", { class: "cursor", y1: EDGE.top, y2: HEIGHT - EDGE.bottom });
  svg.append(cursor);
  follow(svg, { columns, inner, x, cursor, tells: (column) => line(at[column], ...[...lines, ...bars].map(({ name, values }) => values[column] != null && `${name} ${tell(values[column])}`)), readout });
  return svg;
}

// What stands under the pointer is said below the plot.
function follow(svg, { columns, inner, x, cursor, tells, readout }) {
  svg.addEventListener("pointermove", (event) => {
    const across = event.clientX - svg.getBoundingClientRect().left - EDGE.left;
    const column = Math.min(columns - 1, Math.max(0, Math.floor((across / inner.width) * columns)));
    cursor.setAttribute("x1", x(column));
    cursor.setAttribute("x2", x(column));
    cursor.classList.add("there");
    readout.textContent = tells(column);
  });
  svg.addEventListener("pointerleave", () => {
    cursor.classList.remove("there");
    readout.textContent = "";
  });
}

function legend(series, boxes) {
  const marks = series.map(({ name, kind }, nth) => make("li", {}, make("span", { class: `key ${boxes ? `box bar-${kind}` : `line-${nth}`}`, "aria-hidden": "true" }), name));
  return make("ul", { class: "legend", "aria-hidden": "true" }, ...marks);
}

function table(at, series, tell) {
  const rows = at
    .map((label, column) => [label, ...series.map(({ values }) => (values[column] ? tell(values[column]) : "–"))])
    .filter(([, ...values]) => values.some((value) => value !== "–"))
    .map(([label, ...values]) => make("tr", {}, make("th", { scope: "row" }, label), ...values.map((value) => make("td", {}, value))));
  const top = make("tr", {}, make("th", { scope: "col" }, say("plot.when")), ...series.map(({ name }) => make("th", { scope: "col" }, name)));
  const scroll = make("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": say("plot.table") }, make("table", {}, make("thead", {}, top), make("tbody", {}, ...rows)));
  return make("details", {}, make("summary", {}, say("plot.table")), scroll);
}

function summary(values, tell) {
  const known = values.filter((value) => value !== null);
  if (!known.length) return "–";
  return say("plot.between", { low: tell(Math.min(...known)), high: tell(Math.max(...known)), last: tell(known.at(-1)) });
}

// A round number above the highest value; whole and even where things are counted.
function ceiling(highest, whole) {
  if (whole && highest <= 2) return 2;
  const size = 10 ** Math.floor(Math.log10(highest));
  const round = [1, 1.2, 1.6, 2, 3, 4, 5, 6, 8, 10].find((each) => each * size >= highest * 1.02) ?? 10;
  return whole ? Math.ceil((round * size) / 2) * 2 : round * size;
}

function shape(tag, attributes) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

function words(x, y, anchor, text) {
  const element = shape("text", { x, y, "text-anchor": anchor });
  element.textContent = text;
  return element;
}
