// The map under one's hands: keys, pointer and wheel move it, what the list and the map say of one event belongs together, and new
// events come by themselves. The server draws; this shows at once what it will draw, and then puts its drawing in place. Without
// this script the page is whole, by its links.
"use strict";

const map = document.getElementById("map");
const news = document.getElementById("news");
const live = document.getElementById("live");
const pause = document.getElementById("pause");
const every = 3000; // ms between two looks for new events
const rest = 180; // ms that nobody moves the map before it is drawn anew
const third = 1 / 3; // of the map, that a key moves it: as the links do

const part = (name) => document.querySelector(`[data-part="${name}"]`);

/* What is shown, and what is drawn of it. */

function drawn() {
  const d = part("drawing").dataset;
  return { e: Number(d.e), n: Number(d.n), zoom: Number(d.zoom), dot: Number(d.dot), most: Number(d.most) };
}
let view = drawn();
const dotAt = (zoom) => drawn().dot * 2 ** (drawn().zoom - zoom);
const box = part("drawing").viewBox.baseVal;

function move(east, south) {
  view = { ...view, e: view.e + east * dotAt(view.zoom), n: view.n - south * dotAt(view.zoom) };
  preview();
}

// zoom keeps what is below a place of the map where it is.
function zoom(steps, x = box.width / 2, y = box.height / 2) {
  const to = Math.min(view.most, Math.max(0, view.zoom + steps));
  const more = dotAt(view.zoom) - dotAt(to);
  view = { ...view, e: view.e + (x - box.width / 2) * more, n: view.n - (y - box.height / 2) * more, zoom: to };
  preview();
}

let waits;
function preview() {
  const was = drawn(), scale = was.dot / dotAt(view.zoom);
  const x = box.width / 2 - ((view.e - was.e) / was.dot + box.width / 2) * scale;
  const y = box.height / 2 - ((was.n - view.n) / was.dot + box.height / 2) * scale;
  document.getElementById("world").setAttribute("transform", `translate(${x} ${y}) scale(${scale})`);
  clearTimeout(waits);
  waits = setTimeout(() => {
    const to = new URL(location.href);
    to.searchParams.set("at", `${Math.round(view.e)},${Math.round(view.n)}`);
    to.searchParams.set("zoom", view.zoom);
    show(to.href);
  }, rest);
}

/* The server's page, part by part. */

let latest = 0;
async function show(href, options = {}) {
  const mine = ++latest;
  const response = await fetch(href, { headers: { Accept: "text/html" }, cache: "no-store" });
  if (!response.ok || response.redirected) return void location.assign(href); // it says itself what is the matter
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  if (mine !== latest) return; // somebody has gone on meanwhile
  const focus = document.activeElement?.id;
  const known = new Set([...document.querySelectorAll("[data-part=list] li")].map((li) => li.id));
  const top = part("list").scrollTop;
  for (const fresh of page.querySelectorAll("[data-part]")) part(fresh.dataset.part)?.replaceWith(fresh);
  part("list").scrollTop = top;
  if (options.fresh) for (const li of document.querySelectorAll("[data-part=list] li")) li.classList.toggle("new", !known.has(li.id));
  for (const hidden of [...document.querySelectorAll(".filter input[type=hidden]")]) hidden.remove();
  for (const hidden of page.querySelectorAll(".filter input[type=hidden]")) document.querySelector(".filter").append(hidden);
  clearTimeout(waits);
  view = drawn();
  seen = Math.max(seen, Number(part("list").dataset.seen));
  if (!options.stay) history.replaceState(null, "", href);
  if (focus) document.getElementById(focus)?.focus({ preventScroll: true });
  document.querySelectorAll(".selected[data-event]").forEach((el) => options.select && el.matches("li") && el.scrollIntoView({ block: "nearest" }));
}

// A link of the page to itself shows its part of the page.
document.addEventListener("click", (e) => {
  const link = e.target.closest("#map a, .moves a, [data-part=list] a, [data-part=pages] a, #close");
  if (!link || e.ctrlKey || e.metaKey || e.shiftKey || e.altKey || e.button > 0) return;
  e.preventDefault();
  if (dragged) return;
  const href = new URL(link.getAttribute("href"), location.href).href;
  show(href, { select: true }).catch(() => location.assign(href));
});

/* Keys, pointer and wheel. */

map.tabIndex = 0;
map.classList.add("handy");
map.setAttribute("aria-label", `${map.getAttribute("aria-label")}. ${map.dataset.keys}`);
map.addEventListener("keydown", (e) => {
  if (e.ctrlKey || e.metaKey || e.altKey) return;
  const act = {
    ArrowLeft: () => move(-box.width * third, 0), ArrowRight: () => move(box.width * third, 0), ArrowUp: () => move(0, -box.height * third), ArrowDown: () => move(0, box.height * third),
    "+": () => zoom(1), "=": () => zoom(1), "-": () => zoom(-1), "−": () => zoom(-1), Home: () => document.getElementById("move-whole").click(),
  }[e.key];
  if (!act) return;
  e.preventDefault();
  act();
});

const scaleOf = () => box.width / part("drawing").getBoundingClientRect().width; // dots for a pixel
let held, dragged = false;
map.addEventListener("pointerdown", (e) => {
  if (e.button > 0 || !e.isPrimary) return;
  held = { x: e.clientX, y: e.clientY };
  dragged = false;
});
addEventListener("pointermove", (e) => {
  if (!held) return;
  const x = e.clientX - held.x, y = e.clientY - held.y;
  if (!dragged && Math.hypot(x, y) < 5) return;
  dragged = true;
  map.classList.add("held");
  held = { x: e.clientX, y: e.clientY };
  move(-x * scaleOf(), -y * scaleOf());
});
for (const end of ["pointerup", "pointercancel"]) {
  addEventListener(end, () => {
    held = undefined;
    map.classList.remove("held");
    setTimeout(() => { dragged = false; }); // behind the click that a drag ends with
  });
}
map.addEventListener("dragstart", (e) => e.preventDefault());

// The wheel is the page's until somebody has taken the map, by a click or the tab key; with ctrl, as pinching is told, it is the map's.
let turned = 0;
map.addEventListener("wheel", (e) => {
  if (!e.ctrlKey && !map.contains(document.activeElement)) return;
  e.preventDefault();
  turned += e.deltaY;
  if (Math.abs(turned) < 60) return;
  const at = part("drawing").getBoundingClientRect();
  zoom(turned < 0 ? 1 : -1, (e.clientX - at.left) * scaleOf(), (e.clientY - at.top) * scaleOf());
  turned = 0;
}, { passive: false });

/* What is said of one event in two places. */

function light(target) {
  const event = target?.closest?.("[data-event]")?.dataset.event;
  for (const el of document.querySelectorAll("[data-event]")) el.classList.toggle("lit", el.dataset.event === event);
}
for (const over of ["pointerover", "focusin"]) document.addEventListener(over, (e) => light(e.target));
document.addEventListener("focusout", () => light());

/* New events. */

let paused = false;
function mood(kind) {
  live.className = "live " + kind;
  document.getElementById("live-word").textContent = kind === "lost" ? pause.dataset.lost : kind === "paused" ? pause.dataset.paused : pause.dataset.live;
}
pause.addEventListener("click", () => {
  paused = !paused;
  pause.textContent = paused ? pause.dataset.resume : pause.dataset.pause;
  mood(paused ? "paused" : "");
});

let seen = Number(part("list").dataset.seen); // the position up to which everything is on the page
async function look() {
  try {
    const { feed, kind } = part("list").dataset;
    const reading = new URL(location.href).searchParams.has("before"); // of the past, where nothing new comes
    if (!paused && !document.hidden && !reading) {
      const query = new URLSearchParams({ since: seen, limit: 20 });
      if (kind) query.set("type", kind);
      const response = await fetch(`${feed}?${query}`, { headers: { Accept: "application/json" }, cache: "no-store" });
      if (!response.ok) throw new Error(String(response.status));
      const { items, upTo } = await response.json();
      if (items.length > 0) {
        if (!held) await show(location.href, { fresh: true, stay: true });
        const first = document.getElementById(`item-${items[0].position}`);
        const said = first ? first.querySelector(".happened").textContent.trim() + " " + first.querySelector(".who").textContent : "";
        news.textContent = news.dataset.says.replace("{0}", String(items.length)) + " " + said;
      }
      seen = Math.max(seen, upTo);
      if (!paused) mood("");
    }
  } catch {
    if (!paused) mood("lost");
  }
  setTimeout(look, every);
}
live.hidden = false;
setTimeout(look, every);
document.getElementById("kind").addEventListener("change", (e) => e.target.form.requestSubmit());
