// What makes the forms quicker. Nothing here is needed: every form works without it.
"use strict";

// A time that is typed is chosen.
for (const pick of document.querySelectorAll("[data-pick]")) {
	const at = pick.querySelector(".at");
	const choice = pick.querySelector('input[type=radio][value="at"]');
	const show = () => { at.hidden = !choice.checked; };
	at.addEventListener("input", () => { choice.checked = true; show(); });
	pick.addEventListener("change", (e) => {
		show();
		if (e.target === choice) at.querySelector("input").focus();
		else if (e.target.type === "radio") at.querySelector("input").value = "";
	});
	show();
}

// A maintenance ends an hour after it begins, until something else is said; an end that was moved keeps its distance.
const starts = document.getElementById("f-starts"), ends = document.getElementById("f-ends");
if (starts && ends && starts.required) {
	// The wall clock is reckoned with as if there were no zone: the hub tells where the clocks change.
	const read = (input) => Date.parse(input.value + "Z");
	let before = read(starts);
	starts.addEventListener("change", () => {
		const now = read(starts), length = read(ends) - before;
		if (!Number.isNaN(now)) ends.value = new Date(now + (length > 0 ? length : 3600000)).toISOString().slice(0, 16);
		before = now;
	});
}

// Who leaves with something typed is asked; who sends it twice, by a second tap, sends it once.
let typed = false;
for (const form of document.querySelectorAll("form[data-guard]")) {
	if (document.getElementById("preview") || document.getElementById("trouble")) typed = true;
	form.addEventListener("input", () => { typed = true; });
	form.addEventListener("submit", (e) => {
		if (form.dataset.sent) { e.preventDefault(); return; }
		form.dataset.sent = "yes";
		typed = false;
	});
}
addEventListener("beforeunload", (e) => { if (typed) e.preventDefault(); });
addEventListener("pageshow", () => { for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent; });

// The contrast of a colour, while it is typed (WCAG 2.1, "contrast ratio").
const luminance = (colour) => {
	const [r, g, b] = [1, 3, 5].map((i) => {
		const v = parseInt(colour.slice(i, i + 2), 16) / 255;
		return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
	});
	return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const contrast = (a, b) => {
	const [x, y] = [luminance(a), luminance(b)];
	return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
};
for (const swatch of document.querySelectorAll(".swatch")) {
	const input = swatch.querySelector("input"), sample = swatch.querySelector(".sample");
	const own = input.value ? "" : sample.getAttribute("fill");
	input.addEventListener("input", () => {
		const colour = input.value || own, told = swatch.querySelector(".contrast");
		if (!/^#[0-9a-f]{6}$/i.test(colour)) return;
		sample.setAttribute("fill", colour);
		sample.setAttribute("color", colour);
		const ratio = contrast(colour, swatch.dataset.page);
		told.querySelector("output").value = (Math.floor(ratio * 10) / 10).toLocaleString(document.documentElement.lang, { minimumFractionDigits: 1 }) + " : 1";
		told.classList.toggle("late", ratio < 3);
	});
}

// The list of what is wrong opens what it points into.
const reveal = () => {
	let to = document.getElementById(location.hash.slice(1));
	for (; to; to = to.parentElement) if (to.tagName === "DETAILS") to.open = true;
};
addEventListener("hashchange", reveal);
reveal();
