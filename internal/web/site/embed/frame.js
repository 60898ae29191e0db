(() => {
	"use strict";
	const every = 60_000;
	const look = async () => {
		if (document.hidden) return;
		try {
			const answer = await fetch(location.href, { credentials: "omit", cache: "no-cache" });
			if (!answer.ok) return;
			const next = new DOMParser().parseFromString(await answer.text(), "text/html");
			for (const part of document.querySelectorAll("main > [id]")) {
				const now = next.getElementById(part.id);
				if (now && now.innerHTML !== part.innerHTML && !part.contains(document.activeElement)) part.replaceChildren(...now.childNodes);
			}
			document.title = next.title;
		} catch {
			// what is shown says of when it is
		}
	};
	setInterval(look, every);
	document.addEventListener("visibilitychange", look);
})();
