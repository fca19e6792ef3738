// What both pages need. Texts of others go into the page as text and never as HTML.

/** An element; attributes that are null or false are left out, children are elements and texts. */
export function h(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** The same for SVG. */
export function s(tag, attributes = {}, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) {
      element.setAttribute(name, value === true ? "" : value);
    }
  }
  element.append(...children.flat(Infinity).filter((one) => one !== null && one !== undefined && one !== false));
  return element;
}

/** Make what is inside an element like these, and leave alone what is equal: focus, selection, what is open. */
export function show(parent, ...wanted) {
  const there = [...parent.childNodes];
  wanted = wanted.flat(Infinity).filter((one) => one !== null && one !== undefined && one !== false)
    .map((one) => (one instanceof Node ? one : document.createTextNode(one)));
  wanted.forEach((next, place) => {
    const old = there[place];
    if (!old) parent.append(next);
    else if (old.nodeType !== next.nodeType || old.nodeName !== next.nodeName) old.replaceWith(next);
    else if (old.nodeType === Node.TEXT_NODE) {
      if (old.data !== next.data) old.data = next.data;
    } else {
      for (const { name } of [...old.attributes]) {
        if (!next.hasAttribute(name) && name !== "open") old.removeAttribute(name);
      }
      for (const { name, value } of next.attributes) {
        if (old.getAttribute(name) !== value) old.setAttribute(name, value);
      }
      show(old, ...next.childNodes);
    }
  });
  there.slice(wanted.length).forEach((one) => one.remove());
}

let ahead = 0; // seconds that the server's clock is ahead of this one
let seen = 0;

export const now = () => Date.now() / 1000 + ahead;

/**
 * Get a document now and again, and pass each new one on. While the page is hidden nobody asks.
 * `wait` (seconds) may be a function. Returns a function that asks at once.
 */
export function poll(address, wait, take, isMain = false) {
  let tag = "", asked = "", timer = 0, number = 0;
  const again = (mine) => {
    if (mine === number) timer = setTimeout(ask, 1000 * (typeof wait === "function" ? wait() : wait));
  };
  async function ask() {
    clearTimeout(timer);
    const mine = ++number;
    const from = address();
    if (!from || document.hidden) return;
    if (from !== asked) [asked, tag] = [from, ""];
    try {
      // a dashboard that is stopped, or a tunnel that is gone, answers nothing at all
      const headers = tag ? { "If-None-Match": tag } : {};
      const answer = await fetch(from, { headers, signal: AbortSignal.timeout(15000) });
      if (mine !== number) return;
      if (answer.status === 401) return void location.assign("/login");
      note(answer, isMain);
      if (answer.status !== 304) {
        const body = await answer.json();
        if (mine !== number) return;
        tag = answer.headers.get("ETag") || "";
        const error = typeof body.error === "string" ? { message: body.error, hint: "" } : body.error;
        if (isMain) alarm(error);
        take(body.document ?? null, error);
      }
    } catch {
      tag = ""; // the next answer is drawn again, and takes the alarm away
      if (isMain) alarm({ message: "the dashboard does not answer", hint: "does hitless dashboard still run?" });
    }
    again(mine);
  }
  document.addEventListener("visibilitychange", () => { if (!document.hidden) ask(); });
  ask();
  return ask;
}

function note(answer, isMain) {
  const at = Number(answer.headers.get("Hitless-Now"));
  if (at) ahead = at - Date.now() / 1000;
  if (isMain) seen = Number(answer.headers.get("Hitless-Seen")) || seen;
}

function alarm(error) {
  const text = error && [error.message, error.hint && `Next: ${error.hint}`].filter(Boolean).join(". ");
  const old = text && seen ? " What is below was seen last, at the time above." : "";
  show(document.getElementById("alarm"), text ? h("p", { class: "problem" }, text + old) : null);
}

setInterval(() => {
  const age = document.getElementById("age");
  if (age && seen) {
    const old = now() - seen;
    age.textContent = `seen ${old < 1.5 ? "now" : `${span(old)} ago`}`;
    age.classList.toggle("old", old > 10);
  }
  for (const one of document.querySelectorAll("[data-since]")) {
    one.textContent = span(now() - Number(one.dataset.since));
  }
}, 500);

/** Seconds for people: `4 s`, `3 min`, `2 h`, `5 d`. */
export function span(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 120) return `${whole} s`;
  if (whole < 7200) return `${Math.floor(whole / 60)} min`;
  if (whole < 172800) return `${Math.floor(whole / 3600)} h`;
  return `${Math.floor(whole / 86400)} d`;
}

export const unix = (iso) => Date.parse(iso) / 1000 || 0;
const two = (number) => String(number).padStart(2, "0");

/** An ISO or Unix time by the reader's clock. */
export function local(moment, withDay = true) {
  const at = new Date(typeof moment === "number" ? moment * 1000 : moment);
  if (Number.isNaN(at.getTime())) return String(moment);
  const time = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  return withDay ? `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${time}` : time;
}

export const rate = (number) => (number >= 100 ? Math.round(number).toString() : number.toFixed(1));
export const took = (seconds) =>
  seconds === null ? "–" : seconds < 1 ? `${Math.round(seconds * 1000)} ms` : `${seconds.toFixed(1)} s`;

/** An address as a link, if a browser can open it. */
export function link(address) {
  const opens = /^https?:\/\/[^*]/.test(address);
  return opens ? h("a", { href: address, rel: "noreferrer noopener", target: "_blank" }, address) : address;
}

/** A table in a box of its own that scrolls sideways on a narrow screen. */
export function table(caption, heads, rows) {
  return h("div", { class: "scrolls", tabindex: "0", role: "region", "aria-label": caption },
    h("table", {},
      h("caption", { class: "unseen" }, caption),
      h("thead", {}, h("tr", {}, heads.map((one) => h("th", { scope: "col" }, one)))),
      h("tbody", {}, rows)));
}

/** Requests are not counted, or there is an error: say it with what helps. */
export function aboutCounting({ problem, hint }) {
  if (!problem && !hint) return null;
  return h("p", { class: "hint" }, [problem, hint].filter(Boolean).join(". "));
}

export const colour = (name) => h("span", { class: `colour ${name}` }, name);
