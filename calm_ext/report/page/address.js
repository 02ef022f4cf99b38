"use strict";
// The choices of a page stand in its address behind "#/", as `#/path?name=value`: a link to them shows the same again.
// Other fragments, `#glossary` say, are places in the page. The report, the leaderboard and the view have this script.
const address = {
  link(path, query) {
    const kept = Object.entries(query ?? {}).filter(([, value]) => value !== "" && value !== null && value !== undefined);
    const more = new URLSearchParams(Object.fromEntries(kept)).toString();
    return `#/${path.map(encodeURIComponent).join("/")}${more ? `?${more}` : ""}`;
  },
  read() {
    const [path, query] = (/^#\/(.*)/s.exec(location.hash)?.[1] ?? "").split(/\?(.*)/s);
    let parts;
    try {
      parts = path.split("/").map(decodeURIComponent);
    } catch {
      parts = ["?"];
    }
    return { parts, query: Object.fromEntries(new URLSearchParams(query ?? "")) };
  },
  // Change the address. With `entry` the Back button leads to what was there; without it there is no trace of that.
  write(query, entry) {
    const to = address.link(address.read().parts, query);
    if (to === location.hash || (to === "#/" && location.hash === "")) return;
    if (entry) history.pushState(null, "", to);
    else history.replaceState(history.state, "", to);
  },
  // `show` is called where the address becomes another one: by Back and Forward, a link, or a hand.
  follow(show) {
    addEventListener("hashchange", () => { if (!/^#[^/]/.test(location.hash)) show(); });
  },
};
