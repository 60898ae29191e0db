// Shows how a status site does in one line, with what is open on it. Include it where the line should stand:
//
//	<script src="https://status.example/prod/embed/widget.js" data-section="crm" async></script>
//
// data-section: of one section. data-language: of the site's; else the page's own. data-theme: light, dark or auto.
// data-notices="off": the line alone. data-into: a selector of the element that it stands in.
// It leaves no names behind, asks every minute while somebody looks, and shows nothing rather than what is old.
(() => {
	"use strict";
	const script = document.currentScript ?? [...document.scripts].reverse().find((s) => s.src.includes("/embed/widget.js"));
	if (!script || !("adoptedStyleSheets" in document)) return;
	const every = 60_000, old = 5 * every, languages = ["LANGUAGES"], { section, theme = "auto", notices, into } = script.dataset;
	const base = script.src.replace(/\/embed\/widget\.js.*$/, "");
	const wanted = [script.dataset.language, document.documentElement.lang].map((tag) => (tag ?? "").split("-")[0].toLowerCase());
	const language = wanted.find((tag) => languages.includes(tag)) ?? languages[0];
	const address = base + (language === languages[0] ? "" : "/" + language) + "/embed/" + (section ? encodeURIComponent(section) + "/" : "") + "state.json";

	const style = new CSSStyleSheet();
	style.replaceSync(`
		:host { display: block; }
		:host([hidden]) { display: none; }
		div { --ground: #fff; --ink: #1b222c; --edge: #6b7686; --link: #1a4fa3; color: var(--ink); background: var(--ground); border: 1px solid var(--edge);
			border-radius: 6px; padding: .5em .75em; font: inherit; line-height: 1.4; overflow-wrap: anywhere; }
		div.dark { --ground: #14171c; --ink: #eef1f5; --edge: #7d8794; --link: #9cc2ff; }
		p, ul { margin: 0; padding: 0; list-style: none; }
		ul { margin-top: .35em; font-size: .9em; }
		ul:empty { display: none; }
		a { color: var(--link); }
		a:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
		svg { width: 1.1em; height: 1.1em; margin-inline-end: .4em; vertical-align: -.15em; fill: currentColor; }
		.cut { fill: none; stroke: var(--ground); stroke-width: 2.4; stroke-linecap: round; stroke-linejoin: round; }`);
	const host = document.createElement("div"), root = host.attachShadow({ mode: "open" });
	root.adoptedStyleSheets = [style];
	host.hidden = true;
	const place = () => {
		const parent = into && document.querySelector(into);
		if (parent) parent.append(host);
		else if (document.head.contains(script)) document.body.append(host);
		else script.after(host);
	};

	const make = (name, parent, text) => {
		const element = document.createElement(name);
		if (text !== undefined) element.textContent = text;
		parent.append(element);
		return element;
	};
	const link = (parent, url, text, lang) => {
		const a = make("a", parent, text);
		if (/^https?:/.test(url)) a.href = url;
		if (lang && lang !== language) a.lang = lang;
		return a;
	};
	const box = make("div", root), headline = make("p", box), list = make("ul", box);
	box.lang = language;
	const darkness = matchMedia("(prefers-color-scheme: dark)"), dark = () => theme === "dark" || (theme !== "light" && darkness.matches);

	let shown, seen = 0, asked = 0;
	const draw = (now) => {
		box.className = dark() ? "dark" : "";
		headline.replaceChildren();
		const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
		svg.setAttribute("viewBox", "0 0 24 24");
		svg.setAttribute("aria-hidden", "true");
		svg.style.color = dark() ? now.dark : now.light;
		for (const { name, attributes } of now.shape) {
			const part = document.createElementNS(svg.namespaceURI, name);
			for (const [key, value] of Object.entries(attributes)) part.setAttribute(key, value);
			svg.append(part);
		}
		headline.append(svg);
		link(headline, now.url, now.name);
		headline.append(": ");
		make("strong", headline, now.headline);
		list.replaceChildren();
		for (const n of notices === "off" ? [] : now.notices) {
			const item = make("li", list, n.kind + ": ");
			link(item, n.url, n.title, n.language);
		}
	};
	const look = async () => {
		asked = Date.now();
		try {
			const answer = await fetch(address, { credentials: "omit", cache: "no-cache", referrerPolicy: "no-referrer", signal: AbortSignal.timeout(every / 2) });
			if (!answer.ok) throw answer.status;
			const text = await answer.text(), now = JSON.parse(text);
			if (text !== shown) {
				if (shown) box.setAttribute("role", "status"); // what changes is said; what is there from the beginning is not
				draw(now);
			}
			shown = text;
			seen = Date.now();
			host.hidden = Boolean(now.stale);
		} catch {
			if (Date.now() - seen > old) host.hidden = true;
		}
	};
	const again = () => { if (!document.hidden && Date.now() - asked > every / 2) look(); };
	darkness.addEventListener("change", () => shown && draw(JSON.parse(shown)));
	document.addEventListener("visibilitychange", again);
	setInterval(again, every);
	const begin = () => { place(); look(); };
	if (document.body) begin();
	else addEventListener("DOMContentLoaded", begin);
})();
