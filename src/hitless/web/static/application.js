// The page of an application.
import { CHARTS, chart, lane } from "./chart.js";
import { aboutCounting, colour, h, link, local, now, poll, show, span, table, unix } from "./lib.js";

const at = (id) => document.getElementById(id);
const name = document.querySelector("[data-application]").dataset.application;
const api = `/api/applications/${name}`;
const COLOURS = ["blue", "green"];
const SIGNS = { done: "✓", failed: "✗", running: "▸", waiting: "·", left: "!", skipped: "–" };

function live({ status }) {
  if (!status.live) return h("p", { class: "bad" }, "nothing is live");
  const release = status.releases.find((one) => one.number === status.live.release);
  return h("p", { class: "now" }, colour(status.live.colour), ` is live: release ${status.live.release}`,
    release ? [", made ", h("span", { "data-since": unix(release.created) }, span(now() - unix(release.created))), " ago"]
      : "", ...status.addresses.flatMap((one) => [h("br"), link(one)]));
}

function laneOf(one, { status }) {
  const isLive = status.live && status.live.colour === one;
  const own = status.containers.filter((container) => container.colour === one);
  const number = isLive ? status.live.release : own.length ? own[0].release : 0;
  const release = status.releases.find((known) => known.number === number);
  const rows = own.map((container) => h("tr", {},
    h("th", { scope: "row" }, container.container),
    h("td", { class: container.state === "running" ? null : "bad" }, container.state),
    h("td", { class: container.health === "unhealthy" ? "bad" : null }, container.health)));
  return h("section", { class: `lane-of ${one}${isLive ? " is-live" : ""}`, "aria-label": `${one} lane` },
    h("h3", {}, colour(one), isLive ? h("span", { class: "badge" }, "live") : own.length ? " not live" : " empty"),
    number ? h("p", {}, `release ${number}`, release && release.revision ? `, revision ${release.revision}` : "") : null,
    rows.length ? table(`Containers of ${one}`, ["container", "state", "health"], rows)
      : h("p", { class: "hint" }, "no containers"));
}

function shared({ status }) {
  const own = status.containers.filter((container) => container.colour === "");
  if (!own.length) return null;
  return h("section", { class: "shared", "aria-label": "Shared services" }, h("h3", {}, "shared"),
    table("Containers of shared services", ["container", "state", "health"], own.map((one) => h("tr", {},
      h("th", { scope: "row" }, one.container), h("td", {}, one.state), h("td", {}, one.health)))));
}

function step(one) {
  const running = one.state === "running";
  const time = running
    ? h("span", { class: "time", "data-since": unix(one.began), "aria-hidden": "true" }, span(now() - unix(one.began)))
    : h("span", { class: "time" }, one.state === "done" || one.state === "failed" ? `${one.seconds.toFixed(1)} s` : "");
  const logs = Object.entries(one.logs);
  return h("li", { class: `step ${one.state}`, "data-step": one.id },
    h("span", { class: "sign", "aria-hidden": "true" }, SIGNS[one.state] || ""),
    h("span", { class: "text" }, one.text, h("span", { class: "unseen" }, `: ${one.state}`)), time,
    one.detail ? h("span", { class: "detail" }, one.detail) : null,
    one.message ? h("p", { class: "problem" }, one.message) : null,
    one.hint ? h("p", { class: "hint" }, `Next: ${one.hint}`) : null,
    logs.map(([from, text]) => h("details", {}, h("summary", {}, `last lines of ${from}`), h("pre", {}, text))));
}

const outcome = (run) => run.outcome || (run.is_at_work ? "under way" : "not ended");

function command(run) {
  const what = `${run.operation}${run.release ? ` release ${run.release}` : ""}`;
  const seconds = run.outcome ? ` after ${run.seconds.toFixed(1)} s` : "";
  return [
    h("p", {}, h("strong", {}, what), " ", h("span", { class: `outcome ${run.outcome || "open"}` }, outcome(run)),
      seconds, run.live_after ? `, live after ${run.live_after.toFixed(1)} s` : "",
      run.is_undone ? ", all undone" : "",
      h("br"), `${local(run.began)} by ${run.holder}`, run.revision ? `, revision ${run.revision}` : ""),
    run.findings.map((text) => h("p", { class: "hint" }, text)),
    h("ol", { class: "steps" }, run.steps.map(step)),
  ];
}

function latest(page) {
  if (!page.latest) return null;
  return h("section", { "aria-labelledby": "latest-title" },
    h("h2", { id: "latest-title" }, page.latest.is_at_work ? "Under way" : "Last command"),
    h("div", { id: "latest" }, command(page.latest)));
}

let told = "";
function tell({ latest: run }) {
  const text = run ? [run.operation, outcome(run),
    ...run.steps.filter((one) => ["running", "failed"].includes(one.state)).map((one) => `${one.text}: ${one.state}`),
  ].join(", ") : "";
  if (text !== told) at("said").textContent = told = text;
}

const opened = new Map(); // began -> its command with steps, or null while it is asked for

async function toggle(began) {
  if (opened.delete(began)) return history();
  opened.set(began, null);
  history();
  try {
    const answer = await fetch(`${api}/run?began=${encodeURIComponent(began)}`);
    const run = (await answer.json()).document;
    if (!run) opened.delete(began);
    else if (opened.has(began)) opened.set(began, run);
  } catch {
    opened.delete(began);
  }
  history();
}

let runs = [];
function history() {
  const rows = runs.flatMap((run) => {
    const isOpen = opened.has(run.began), found = opened.get(run.began);
    const button = h("button", { type: "button", class: "plain", "data-began": run.began, "aria-expanded": String(isOpen) },
      local(run.began));
    const reason = run.reason && run.outcome !== "successful" ? `${run.step_text}: ${run.reason}` : "";
    const row = h("tr", {}, h("th", { scope: "row" }, button), h("td", {}, run.operation),
      h("td", { class: "number" }, run.release ? String(run.release) : ""),
      h("td", {}, h("span", { class: `outcome ${run.outcome || "open"}` }, run.outcome || "not ended")),
      h("td", { class: "number" }, run.outcome ? `${run.seconds.toFixed(1)} s` : ""),
      h("td", { class: "who" }, run.holder), h("td", { class: "who" }, run.revision), h("td", { class: "reason" }, reason));
    if (!isOpen) return [row];
    return [row, h("tr", { class: "note" }, h("td", { colspan: "8" },
      found ? command(found) : h("p", { class: "hint" }, "Looking …")))];
  });
  show(at("history"), rows.length
    ? table("Commands on this application, the latest first",
      ["began", "command", "release", "outcome", "took", "who", "revision", "reason"], rows)
    : h("p", { class: "hint" }, "no command has been noted"));
}
at("history").addEventListener("click", (event) => {
  const button = event.target.closest("[data-began]");
  if (button) toggle(button.dataset.began);
});

function choose(select, options, chosen) {
  const before = select.value;
  show(select, options.map(([value, text]) => h("option", { value }, text)));
  const values = options.map(([value]) => value);
  select.value = values.includes(before) && select.dataset.chosen ? before : chosen;
}
for (const one of ["logs-of", "diff-before", "diff-after"]) {
  at(one).addEventListener("change", (event) => { event.target.dataset.chosen = "yes"; });
}

let isBusy = false;
poll(() => api, () => (isBusy ? 1 : 2), (page, error) => {
  if (!page) {
    if (error) return;
    show(at("content"), h("p", { class: "problem" }, `Nothing of ${name} is here, and no command has been noted.`));
    [isBusy, runs] = [false, []];
    history();
    return;
  }
  isBusy = page.is_under_way;
  const problems = [
    page.command && h("p", { class: page.is_under_way ? "busy" : "problem" }, page.command),
    ...page.status.problems.map((text) => h("p", { class: "problem" }, text)),
  ];
  show(at("content"), h("div", {}, live(page)), h("div", {}, ...problems.filter(Boolean)),
    h("div", { class: "lanes" }, COLOURS.map((one) => laneOf(one, page)), shared(page)), h("div", {}, latest(page)));
  tell(page);
  runs = page.history;
  if (page.latest && opened.get(page.latest.began)) opened.set(page.latest.began, page.latest);
  history();
  const kept = page.releases.map((number) => [String(number), `release ${number}`]);
  const current = page.status.live ? String(page.status.live.release) : "";
  const other = kept.map(([number]) => number).find((number) => number !== current) || current;
  choose(at("diff-before"), kept, other);
  choose(at("diff-after"), kept, current);
}, true);

const draw = (page, error) => {
  if (!page) return show(at("charts"), error ? h("p", { class: "hint" }, [error.message, error.hint].filter(Boolean).join(". ")) : null);
  const size = Math.max(320, Math.min(1400, at("charts").clientWidth));
  const has = Object.values(page.colours).some((points) => points.length);
  show(at("charts"), h("div", {}, aboutCounting(page)),
    h("p", { class: "legend" }, COLOURS.map((one) => h("span", {}, colour(one), " "))),
    has || !page.problem ? CHARTS.map(([title, index, words]) => h("figure", {},
      h("figcaption", {}, title), chart(page, title, index, words, size))) : null,
    h("figure", {}, h("figcaption", {}, "commands"), lane(page, size)));
};
let shown = null;
const askCharts = poll(() => `${api}/chart?minutes=${at("range").value}`, () => (isBusy ? 2 : 5),
  (page, error) => draw(shown = page, error));
at("range").addEventListener("change", askCharts);
window.addEventListener("resize", () => { if (shown) draw(shown); });

let lines = [];
let logsShown = false;
function showLogs() {
  const wanted = at("logs-with").value.toLowerCase();
  const found = lines.filter(([from, text]) => `${from} ${text}`.toLowerCase().includes(wanted));
  const box = at("logs");
  const list = box.querySelector("pre");
  const isAtEnd = !list || list.scrollHeight - list.scrollTop - list.clientHeight < 20;
  show(box, h("pre", { class: "log", tabindex: "0", role: "log", "aria-label": `Log of ${name}`, "aria-live": "off" },
    found.map(([from, text]) => h("div", {}, from ? h("b", {}, `${from} | `) : null, text))),
  found.length ? null : h("p", { class: "hint" }, "no such lines"));
  const now_ = box.querySelector("pre");
  if (isAtEnd) now_.scrollTop = now_.scrollHeight;
}
const askLogs = poll(
  () => (logsShown ? `${api}/logs${at("logs-of").value ? `?release=${at("logs-of").value}` : ""}` : ""),
  () => (at("logs-follow").checked ? 3 : 3600),
  (page, error) => {
    at("logs").hidden = false;
    if (!page) return show(at("logs"), error ? h("p", { class: "problem" }, `${error.message}. ${error.hint}`) : null);
    lines = page.lines;
    choose(at("logs-of"), [["", "the live release"], ...page.releases.map((one) => [String(one), `release ${one}`])], "");
    showLogs();
    if (page.problem) show(at("logs"), h("p", { class: "problem" }, page.problem));
  });
at("logs-show").addEventListener("click", () => { logsShown = true; askLogs(); });
at("logs-of").addEventListener("focus", () => { if (!logsShown) { logsShown = true; askLogs(); } });
at("logs-of").addEventListener("change", () => { logsShown = true; askLogs(); });
at("logs-follow").addEventListener("change", () => { logsShown = true; askLogs(); });
at("logs-with").addEventListener("input", () => { if (logsShown) showLogs(); });

at("diff-show").addEventListener("click", async () => {
  const box = at("diff");
  try {
    const answer = await fetch(`${api}/diff?before=${at("diff-before").value}&after=${at("diff-after").value}`);
    const { document: found, error } = await answer.json();
    if (error || !found) return show(box, h("p", { class: "problem" }, error?.message ?? error ?? "nothing came"));
    const rows = found.differences.map((one) => h("tr", { class: one.kind }, h("td", {}, one.kind),
      h("th", { scope: "row" }, one.path), h("td", {}, one.before), h("td", {}, one.after)));
    show(box, rows.length ? table(`From ${found.before} to ${found.after}`, ["change", "what", "before", "after"], rows)
      : h("p", {}, `${found.before} and ${found.after} are the same`));
  } catch {
    show(box, h("p", { class: "problem" }, "the dashboard does not answer"));
  }
});
