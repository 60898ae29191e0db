// Keeps the page up to date: every second it fetches the page anew and puts in place what differs, row by row. Without
// this script the page is whole, and "Reload" does the same.
"use strict";

const every = 1000; // ms
const few = 5; // more rows than these at once are a stream, and pointing at all of them points at none
const live = document.getElementById("live");
const pulse = document.getElementById("pulse");

function update(old, fresh) {
  if (old.outerHTML === fresh.outerHTML) return;
  const rows = [...fresh.children];
  if (!fresh.dataset.rows && (rows.length === 0 || !rows.every((row) => row.id))) {
    old.replaceWith(fresh);
    return;
  }
  const known = new Map([...old.children].map((row) => [row.id, row]));
  const calm = rows.filter((row) => !known.has(row.id)).length > few;
  let place = old.firstElementChild;
  for (const row of rows) {
    const was = known.get(row.id);
    if (!was) {
      if (!calm) row.classList.add("new");
      old.insertBefore(row, place);
      continue;
    }
    known.delete(row.id);
    if (was !== place) old.insertBefore(was, place);
    else place = place.nextElementSibling;
    if (was.innerHTML !== row.innerHTML) was.replaceChildren(...row.childNodes);
    was.className = row.className;
  }
  for (const gone of known.values()) gone.remove();
}

async function refresh() {
  try {
    const response = await fetch("./", { headers: { Accept: "text/html" }, cache: "no-store" });
    if (!response.ok) throw new Error(String(response.status));
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    for (const part of page.querySelectorAll("[data-part]")) {
      const old = document.querySelector(`[data-part="${part.dataset.part}"]`);
      if (old) update(old, part);
    }
    pulse.textContent = "live";
    live.className = "live";
  } catch {
    pulse.textContent = "no contact with the hub, trying again";
    live.className = "live lost";
  }
  setTimeout(refresh, every);
}

live.hidden = false;
document.getElementById("reload").hidden = true;
setTimeout(refresh, every);
