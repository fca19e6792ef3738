// The page of the host: the applications, and the gateway.
import { aboutCounting, colour, h, link, local, now, poll, rate, show, span, table, took, unix } from "./lib.js";

function health({ containers, running, unwell }) {
  if (!containers) return h("span", { class: "bad" }, "none runs");
  const text = `${running} of ${containers} ${containers === 1 ? "runs" : "run"}`;
  if (running < containers) return h("span", { class: "bad" }, text);
  return unwell ? h("span", { class: "bad" }, `${text}, ${unwell} not healthy`) : h("span", { class: "good" }, text);
}

function days(number) {
  if (number === null) return "–";
  return h("span", { class: number < 20 ? "bad" : null }, `${number} d`);
}

function row(one) {
  const [requests, errors, p95] = one.rates || [null, null, null];
  const notes = [
    one.command && h("p", { class: one.is_interrupted ? "problem" : "busy" }, one.command),
    ...one.problems.map((text) => h("p", { class: "problem" }, text)),
  ].filter(Boolean);
  const count = (text, bad = false) => h("td", { class: `number${bad ? " bad" : ""}` }, text);
  const main = h("tr", {},
    h("th", { scope: "row" }, h("a", { href: `/applications/${one.application}` }, one.application)),
    h("td", {}, one.live ? colour(one.live.colour) : h("span", { class: "bad" }, "nothing is live")),
    count(one.live ? String(one.live.release) : "–"),
    count(one.created ? h("span", { title: local(one.created) }, span(now() - unix(one.created))) : "–"),
    h("td", {}, health(one.health)),
    h("td", {}, one.addresses.length ? link(one.addresses[0]) : "–",
      one.addresses.length > 1 ? ` and ${one.addresses.length - 1} more` : ""),
    h("td", { class: "number" }, days(one.certificate_days)),
    count(requests === null ? "–" : rate(requests)),
    count(errors === null ? "–" : rate(errors), errors > 0),
    count(took(p95)));
  return notes.length ? [main, h("tr", { class: "note" }, h("td", { colspan: "10" }, notes))] : [main];
}

function gateway({ gateway: found, others, name, metrics }) {
  const title = h("h2", { id: "gateway" }, `Gateway ${name}`);
  if (!found.settings) {
    const meant = others.length ? ` Others run: ${others.join(", ")}.` : "";
    const text = `There is no gateway ${name} on this host. Next: hitless gateway up.${meant}`;
    return h("section", { "aria-labelledby": "gateway" }, title, h("p", { class: "problem" }, text));
  }
  const { settings, health: state } = found;
  const at = [`http: ${settings.http_port}`, settings.https_port && `https: ${settings.https_port}`,
    ...Object.keys(settings.ports || {}).map((port) => `also: ${port}`)].filter(Boolean);
  const facts = [
    ["state", !found.running ? "down" : state && !state.answers ? "up, but Traefik does not answer" : "up"],
    ["ports", at.join(", ")],
    ["image", settings.image],
    state && ["since", local(state.started)],
    state && state.memory >= 0 && ["memory", `${Math.round(state.memory / 2 ** 20)} MB`],
    state && state.restarts > 0 && ["started again by Docker", `${state.restarts} times`],
  ].filter(Boolean);
  const problems = [
    !found.running && "the gateway is not up; run: hitless gateway up",
    found.newer_image && `hitless's own image of Traefik is ${found.newer_image} now; hitless gateway upgrade takes it`,
    found.left > 0 && "a Traefik runs beside the live one; hitless gateway upgrade ends it",
    ...Object.entries(found.broken).map(([path, what]) => `${path}: ${what}`),
  ].filter(Boolean);
  return h("section", { "aria-labelledby": "gateway" }, title,
    h("dl", {}, facts.map(([key, value]) => [h("dt", {}, key), h("dd", {}, value)])),
    problems.map((text) => h("p", { class: "problem" }, text)),
    aboutCounting(metrics));
}

function draw(page) {
  const heads = ["application", "live", "release", "age", "containers", "address", "certificate",
    "requests/s", "5xx/s", "p95"];
  const rows = page.applications.flatMap(row);
  show(document.getElementById("content"),
    rows.length ? table("Applications on this gateway", heads, rows)
      : h("p", {}, "No application is deployed here. Next: hitless deploy, in the folder of a Compose file."),
    gateway(page));
}

let last = null;
poll(() => "/api/host", 2, (page) => { if (page) draw(last = page); }, true);
setInterval(() => { if (last && !document.hidden) draw(last); }, 30000); // ages
