// The page: three scenes, each set up when it is first opened.

import { characters } from "./characters.js";
import { digits } from "./digits.js";
import { ask, hasWebAssembly } from "./lab.js";
import { linkCourse } from "./links.js";
import { twoPixels } from "./two_pixels.js";

const SCENES = { two: twoPixels, digits, small: characters };
const STILLS = { digits: ["still/digits.png", "ten generated digits"], small: ["still/characters.png", "generated characters"] };
const tabs = [...document.querySelectorAll('[role="tab"]')], opened = new Set();
let tables;

function open(name) {
  for (const tab of tabs) {
    const own = tab.id === `tab-${name}`;
    tab.setAttribute("aria-selected", String(own));
    tab.tabIndex = own ? 0 : -1;
    document.getElementById(tab.getAttribute("aria-controls")).hidden = !own;
  }
  if (opened.has(name)) return;
  opened.add(name);
  if (name !== "two" && !hasWebAssembly) return still(name);
  SCENES[name](tables);
}

/** What is shown where a network cannot run. */
function still(name) {
  const panel = document.getElementById(name), [source, text] = STILLS[name];
  const message = Object.assign(document.createElement("p"), { className: "message", textContent: "This browser has no WebAssembly, which the networks need. A still picture instead:" });
  panel.replaceChildren(message, Object.assign(document.createElement("img"), { src: source, alt: text, className: "still" }));
}

for (const [i, tab] of tabs.entries()) {
  tab.addEventListener("click", () => { location.hash = tab.getAttribute("aria-controls"); });
  tab.addEventListener("keydown", (event) => {
    const to = { ArrowRight: i + 1, ArrowLeft: i - 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    tabs[(to + tabs.length) % tabs.length].focus();
    tabs[(to + tabs.length) % tabs.length].click();
  });
}
const scene = () => (location.hash.slice(1) in SCENES ? location.hash.slice(1) : "two");
addEventListener("hashchange", () => open(scene()));

const answer = await fetch("data/tables.json").catch(() => null);
if (answer?.ok) {
  tables = await answer.json();
  globalThis.page = { ask, tables }; // for the console: what the page draws can be asked for by hand
  open(scene());
} else {
  document.getElementById("two-message").textContent = "data/tables.json could not be loaded, and nothing can be drawn without it: load the page again.";
}
linkCourse();
