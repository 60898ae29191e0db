// Adds to a page that is complete without it: days of the bars by keyboard and pointer, search while typing, times in the
// visitor's zone, addresses to copy, the theme without a reload, and a look every minute whether anything has changed.
// What changes is announced and never moved: the visitor asks for the new page.
"use strict";

const root = document.documentElement;
const words = dictionary[root.lang] || dictionary.en;
const live = document.getElementById("live");
const lang = root.lang === "en" ? "en-GB" : root.lang;

const say = (key, ...args) => args.reduce((text, arg, i) => text.replaceAll(`{${i}}`, arg), words[key] || key);
const all = (selector, within = document) => [...within.querySelectorAll(selector)];

function make(tag, properties, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

// Menus: one is open at a time, and Escape or a click elsewhere closes it.
function menus() {
  const open = () => all(".menu[open]");
  document.addEventListener("click", (event) => {
    for (const menu of open()) if (!menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of open()) {
      const inside = menu.contains(document.activeElement);
      menu.open = false;
      if (inside) menu.querySelector("summary").focus();
    }
  });
}

// The theme changes at once; the cookie lets the server make the next page in it.
function theme() {
  const menu = document.getElementById("theme");
  menu?.addEventListener("click", (event) => {
    const link = event.target.closest("[data-theme-choice]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const chosen = link.dataset.themeChoice;
    document.cookie = `varsel-theme=${chosen}; Path=/; Max-Age=31536000; SameSite=Lax${location.protocol === "https:" ? "; Secure" : ""}`;
    root.dataset.theme = chosen;
    document.querySelector('meta[name="color-scheme"]').content = chosen === "auto" ? "light dark" : chosen;
    for (const one of all("[data-theme-choice]", menu)) {
      if (one === link) one.setAttribute("aria-current", "true");
      else one.removeAttribute("aria-current");
    }
    menu.open = false;
    menu.querySelector("summary").focus();
  });
}

// Bars: one tab stop, on today at first. The days come from the table of numbers beside them.
const full = new Intl.DateTimeFormat(lang, { day: "numeric", month: "long", year: "numeric", timeZone: "UTC" });
const count = 90;
const narrow = matchMedia("(max-width: 42rem)"); // the style then shows the last thirty
const shown = () => (narrow.matches ? 30 : count);
const first = () => count - shown();
let tip;

function daysOf(strip) {
  const table = strip.parentElement.querySelector(".runs");
  const days = [];
  for (const row of all("tbody tr", table)) {
    const [, uptime, what] = row.cells;
    const first = Number(row.dataset.first);
    const date = new Date(row.querySelector("time").dateTime + "T00:00:00Z");
    for (let i = 0; i < Number(row.dataset.days); i++) {
      const day = new Date(date.getTime() + i * 86400000);
      days[first + i] = `${full.format(day)}: ${row.dataset.state === "no_data" ? "" : uptime.textContent + ", "}${what.textContent}`;
    }
  }
  return days;
}

function hide() {
  tip?.remove();
  tip = undefined;
}

function show(strip, button, text) {
  hide();
  tip = make("div", { className: "tip", textContent: text });
  tip.setAttribute("aria-hidden", "true"); // the button's name says the same
  document.body.append(tip);
  const at = button.getBoundingClientRect();
  const left = Math.max(8, Math.min(at.left + at.width / 2 - tip.offsetWidth / 2, root.clientWidth - tip.offsetWidth - 8));
  tip.style.left = `${left + scrollX}px`;
  tip.style.top = `${at.bottom + scrollY + 6}px`;
  tip.addEventListener("pointerleave", hide);
}

function bars(strip) {
  let days;
  let current;
  const text = (day) => (days ??= daysOf(strip))[day] || "";

  function place(button, day) {
    const width = 100 / shown();
    button.style.left = `${(day - first()) * width}%`;
    button.style.width = `${width}%`;
  }
  function button(day) {
    const one = make("button", { type: "button", className: "cursor" });
    one.setAttribute("aria-label", `${strip.dataset.name}. ${text(day)}`);
    place(one, day);
    one.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1, ArrowDown: -1, ArrowUp: 1, PageUp: -7, PageDown: 7, Home: -count, End: count }[event.key];
      if (event.key === "Escape") hide();
      if (step === undefined) return;
      event.preventDefault();
      to(Math.max(first(), Math.min(count - 1, day + step)), true);
    });
    one.addEventListener("focus", () => { if (one.matches(":focus-visible")) show(strip, one, text(day)); });
    one.addEventListener("blur", hide);
    one.addEventListener("click", () => open(strip, day));
    return one;
  }
  // The name of what has the focus is not read again when it changes, so each day is a new button.
  function to(day, focus) {
    const next = button(day);
    if (focus) next.setAttribute("aria-label", text(day));
    const before = current?.element;
    current = { element: next, day };
    strip.append(next);
    if (focus) next.focus();
    before?.remove();
    if (focus) show(strip, next, text(day));
  }
  // A click or Enter opens the numbers, at the day.
  function open() {
    const numbers = strip.parentElement.querySelector("details.numbers");
    if (numbers) numbers.open = !numbers.open;
  }
  strip.addEventListener("pointermove", (event) => {
    if (event.pointerType === "touch") return;
    const at = strip.getBoundingClientRect();
    const day = first() + Math.min(shown() - 1, Math.max(0, Math.floor(((event.clientX - at.left) / at.width) * shown())));
    if (day !== current.day && !strip.contains(document.activeElement)) to(day, false);
    if (day === current.day) show(strip, current.element, text(day));
  });
  strip.addEventListener("pointerleave", (event) => { if (event.relatedTarget !== tip) hide(); });
  to(count - 1, false);
  narrow.addEventListener("change", () => to(Math.max(first(), current.day), false));
}

// Search while typing. The form does the same without the script.
const fold = (text) => text.toLowerCase().replaceAll("æ", "ae").replaceAll("ø", "o").replaceAll("ł", "l").replaceAll("œ", "oe").replaceAll("’", "'").normalize("NFD").replace(/[\u0300-\u036f]/g, "");

function search() {
  const form = document.querySelector(".find");
  if (!form) return;
  const [query, only] = [form.elements.q, form.elements.only];
  const found = document.getElementById("found");
  const none = document.getElementById("none");
  const rows = all(".components .row");
  const names = new Map(rows.map((row) => [row, fold(row.querySelector(".name").textContent)]));
  const before = new Map(all(".components details.group").map((group) => [group, group.open]));

  function filter() {
    const wanted = fold(query.value.trim());
    let shown = 0;
    for (const row of rows) {
      row.hidden = !(names.get(row).includes(wanted) && (!only.checked || row.classList.contains("affected")));
      if (!row.hidden) shown++;
    }
    const asked = wanted !== "" || only.checked;
    for (const [group, open] of before) {
      group.hidden = !group.querySelector(".row:not([hidden])");
      group.open = asked || open;
    }
    for (const part of all(".components .part")) part.hidden = !part.querySelector(".row:not([hidden])");
    none.hidden = shown > 0;
    none.textContent = shown > 0 ? "" : say(wanted ? "nothing found" : "none affected");
    found.textContent = asked ? say("shown of", shown, rows.length) : "";
  }
  // What the server has left out is not here to be shown again: then the form asks for it.
  if (new URLSearchParams(location.search).get("q") || new URLSearchParams(location.search).get("only")) {
    only.addEventListener("change", () => form.requestSubmit());
    return;
  }
  form.addEventListener("submit", (event) => { event.preventDefault(); filter(); });
  query.addEventListener("input", filter);
  only.addEventListener("change", filter);
}

// Times: the site's zone, as they came, or the visitor's.
function zone() {
  const button = document.getElementById("mine");
  const where = document.getElementById("zone");
  const mine = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (!button || !mine || mine.replaceAll("_", " ") === where.dataset.zone) return;
  const local = new Intl.DateTimeFormat(lang, { day: "numeric", month: "long", year: "numeric", hour: "2-digit", minute: "2-digit", timeZoneName: "short" });
  const were = new Map(all("time[data-moment]").map((time) => [time, time.textContent]));
  const sentence = where.textContent;
  const key = "varsel-zone";
  function set(own) {
    for (const [time, text] of were) time.textContent = own ? local.format(new Date(time.dateTime)) : text;
    where.textContent = own ? sentence.replace(where.dataset.zone, mine.replaceAll("_", " ")) : sentence;
    button.textContent = say(own ? "times in site" : "times in mine");
    button.dataset.own = own ? "yes" : "";
    try { localStorage.setItem(key, own ? "mine" : "site"); } catch { /* it is not remembered then */ }
  }
  button.hidden = false;
  button.addEventListener("click", () => set(!button.dataset.own));
  try { if (localStorage.getItem(key) === "mine") set(true); } catch { /* nor known */ }
}

// Addresses to copy.
function copying() {
  if (!navigator.clipboard) return;
  for (const line of all(".feeds li")) {
    const url = line.querySelector(".url").href;
    const button = make("button", { type: "button", textContent: say("copy") });
    button.setAttribute("aria-label", say("copy address", line.querySelector(".feedname").textContent));
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(url);
      button.textContent = say("copied");
      announce(make("span", { textContent: say("copied") }));
      setTimeout(() => { button.textContent = say("copy"); announce(); }, 2500);
    });
    line.append(button);
  }
}

function announce(...what) { live.replaceChildren(...what); }

// Has anything changed? What the read API says is held against what the page was made from.
function watching() {
  const { api, known } = document.body.dataset;
  const line = document.getElementById("check");
  if (!api || !line) return;
  const every = 60000;
  const [sentence, button] = line.children;
  let paused = false;
  let told = known;
  let heard = Date.now(); // when what is shown was last known to be so
  let timer;

  async function look() {
    clearTimeout(timer);
    if (!paused && !document.hidden) {
      try {
        const response = await fetch(api, { cache: "no-cache", headers: { Accept: "application/json" } });
        if (!response.ok) throw new Error(String(response.status));
        const { page, status } = await response.json();
        const now = `${page.updated_at} ${status.description}`;
        if (now !== told) {
          told = now;
          if (now === known) announce();
          else {
            announce(
              make("span", { textContent: say("changed", words[`headline ${status.description}`] || status.description) }),
              make("a", { href: location.href.split("#")[0], textContent: say("reload") }),
            );
          }
        }
        delete live.dataset.lost;
        if (now === known) heard = Date.now();
      } catch {
        const minutes = Math.max(1, Math.round((Date.now() - heard) / every));
        if (!live.dataset.lost || minutes % 5 === 0) announce(make("span", { textContent: say("lost", say("minutes", minutes)) }));
        live.dataset.lost = "yes";
        told = "";
      }
    }
    timer = setTimeout(look, every);
  }
  button.addEventListener("click", () => {
    paused = !paused;
    sentence.textContent = say(paused ? "paused" : "checking");
    button.textContent = say(paused ? "resume" : "pause");
    if (!paused) look();
  });
  document.addEventListener("visibilitychange", () => { if (!document.hidden) look(); });
  line.hidden = false;
  timer = setTimeout(look, every);
}

// On paper everything is open.
function printing() {
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = all("main details:not([open])");
    for (const one of opened) one.open = true;
  });
  addEventListener("afterprint", () => { for (const one of opened) one.open = false; });
}

menus();
theme();
for (const strip of all(".days")) bars(strip);
search();
zone();
copying();
watching();
printing();
