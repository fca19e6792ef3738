// Charts as SVG: a line for each colour, and the deployments' steps under the same time axis.
import { local, now, rate, s, span, took } from "./lib.js";

const LEFT = 56, RIGHT = 8, TOP = 8, BOTTOM = 20;

/** A round number not below this one: 1, 2 or 5 times a power of ten. */
function roundUp(value) {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((one) => one * power).find((one) => one >= value * 0.999);
}

function ticks(since, until) {
  const steps = [60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600];
  const step = steps.find((one) => (until - since) / one <= 8) || 21600;
  const offset = new Date().getTimezoneOffset() * 60; // at whole hours of the reader's clock
  const found = [];
  for (let at = Math.ceil((since - offset) / step) * step + offset; at <= until; at += step) found.push(at);
  return found;
}

/** Parts of a line: it has a hole where nobody has looked. A point tells of the `seconds` before it. */
function parts(points, index, width) {
  const found = [];
  let before = null;
  for (const point of points) {
    if (point[index] === null) { before = null; continue; }
    if (before === null || point[0] - point[4] - before > 1.5 * width) found.push([]);
    found.at(-1).push([point[0], point[index]]);
    before = point[0];
  }
  return found;
}

/** One chart: `index` is the place of its number in a point. */
export function chart(page, title, index, words, size) {
  const { since, until, width, colours, deployments } = page;
  const height = 120, inner = size - LEFT - RIGHT, low = height - BOTTOM;
  const all = Object.values(colours).flat().map((point) => point[index] ?? 0);
  const most = roundUp(Math.max(...all, 0));
  const x = (at) => LEFT + inner * Math.min(1, Math.max(0, (at - since) / (until - since)));
  const y = (value) => TOP + (low - TOP) * (1 - value / most);
  const latest = Object.entries(colours).map(([colour, points]) => {
    const last = points.at(-1);
    return last && last[index] !== null ? `${colour} ${words(last[index])}` : `${colour} –`;
  }).join(", ");
  const marks = deployments.filter((one) => one.live && one.live >= since).map((one) => s("g", { class: "live" },
    s("line", { x1: x(one.live), x2: x(one.live), y1: TOP, y2: low }),
    s("title", {}, `release ${one.release} is live from ${local(one.live)}`)));
  const lines = Object.entries(colours).flatMap(([colour, points]) => parts(points, index, width).map((part) =>
    s("polyline", {
      class: `line ${colour}`,
      points: (part.length > 1 ? part : [part[0], [part[0][0] + width / 4, part[0][1]]])
        .map(([at, value]) => `${x(at).toFixed(1)},${y(value).toFixed(1)}`).join(" "),
    })));
  return s("svg", { viewBox: `0 0 ${size} ${height}`, class: "chart", role: "img",
      "aria-label": `${title}, latest: ${latest}`, "data-chart": title },
    [0, 0.5, 1].map((share) => [
      s("line", { class: "grid", x1: LEFT, x2: size - RIGHT, y1: y(most * share), y2: y(most * share) }),
      s("text", { class: "tick", x: LEFT - 6, y: y(most * share) + 4, "text-anchor": "end" }, words(most * share)),
    ]),
    ticks(since, until).map((at) => s("text", { class: "tick", x: x(at), y: height - 5, "text-anchor": "middle" },
      local(at, false).slice(0, 5))),
    lines, marks);
}

/** The steps of each deployment, as bars under the time axis. */
export function lane(page, size) {
  const { since, until, deployments } = page;
  const inner = size - LEFT - RIGHT;
  const x = (at) => LEFT + inner * Math.min(1, Math.max(0, (at - since) / (until - since)));
  const bar = (from, to, name, level, text) => {
    const begin = x(from);
    return s("rect", { class: name, x: begin.toFixed(1), width: Math.max(1.5, x(to) - begin).toFixed(1),
      y: level, height: 9, rx: 1 }, s("title", {}, text));
  };
  const words = deployments.map((one) => `${one.operation} ${one.release || ""} ${one.outcome || "under way"}`);
  return s("svg", { viewBox: `0 0 ${size} 30`, class: "chart lane", role: "img",
      "aria-label": `Commands: ${words.join(", ") || "none in this time"}` },
    s("text", { class: "tick", x: LEFT - 6, y: 18, "text-anchor": "end" }, "steps"),
    deployments.map((one) => {
      const ended = one.outcome ? one.ended : Math.max(one.ended, Math.min(now(), until));
      const text = `${one.operation} ${one.release ? `release ${one.release} ` : ""}${one.outcome || "under way"}`;
      return [
        bar(one.began, ended, `whole ${one.outcome || "open"}`, 3, `${text}, ${span(ended - one.began)}`),
        one.steps.map(([from, to, step, state], place) =>
          bar(from, to, `step ${state} ${place % 2 ? "odd" : "even"}`, 15, `${step}: ${state}, ${took(to - from)}`)),
      ];
    }));
}

export const CHARTS = [
  ["requests/s", 1, rate],
  ["5xx/s", 2, rate],
  ["p95", 3, took],
];
