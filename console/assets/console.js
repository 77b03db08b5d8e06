// What pages do beyond HTML: copying, and keeping themselves up to date.
// Everything else works without this file.
"use strict";

// Copy buttons are hidden until there is something that can copy.
function showCopyButtons(root) {
  for (const b of root.querySelectorAll("[data-copy]")) b.hidden = false;
}

async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = document.createElement("textarea"); // without TLS there is no clipboard
  area.value = text;
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

document.addEventListener("click", async (e) => {
  const b = e.target.closest("[data-copy], [data-copy-from]");
  if (!b) return;
  const from = b.dataset.copyFrom && document.getElementById(b.dataset.copyFrom);
  try {
    await copy(from ? from.textContent : b.dataset.copy);
  } catch {
    return;
  }
  const title = b.title;
  b.classList.add("copied");
  b.title = b.dataset.done;
  b.setAttribute("aria-label", b.dataset.done);
  setTimeout(() => {
    b.classList.remove("copied");
    b.title = title;
    b.removeAttribute("aria-label");
  }, 1600);
});

// A page with regions marked data-live asks for itself again, and takes over
// those that are different. A region that the visitor works in stays as it is.
const live = {
  every: 4000,
  button: document.querySelector("[data-live-button]"),
  timer: 0,

  start() {
    if (!document.querySelector("[data-live]")) return;
    if (this.button) {
      this.button.hidden = false;
      this.button.addEventListener("click", () => this.say(this.on() ? "off" : "on"));
    }
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) this.look();
    });
    this.wait();
  },

  on() {
    return !this.button || this.button.getAttribute("aria-pressed") === "true";
  },

  say(what) {
    if (!this.button) return;
    this.button.setAttribute("aria-pressed", String(what !== "off"));
    this.button.classList.toggle("lost", what === "lost");
    this.button.querySelector("span").textContent = this.button.dataset[what];
  },

  wait() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.look(), this.every);
  },

  async look() {
    clearTimeout(this.timer);
    if (this.on() && !document.hidden) {
      try {
        await this.refresh();
      } catch {
        this.say("lost");
      }
    }
    this.wait();
  },

  async refresh() {
    const r = await fetch(location.href, { headers: { "Carteiro-Live": "1" }, credentials: "same-origin" });
    if (r.redirected) return location.reload(); // the session is over
    if (!r.ok) throw new Error(r.status);
    const page = new DOMParser().parseFromString(await r.text(), "text/html");
    for (const region of document.querySelectorAll("[data-live]")) this.take(region, page.getElementById(region.id));
    if (this.on()) this.say("on");
    document.dispatchEvent(new CustomEvent("carteiro:live"));
  },

  take(region, fresh) {
    if (!fresh || this.busy(region)) return;
    const next = fresh.innerHTML;
    if (region.carteiroHTML === next) return;
    region.carteiroHTML = next;
    region.replaceChildren(...fresh.childNodes);
    showCopyButtons(region);
  },

  busy(region) {
    const selection = document.getSelection();
    return region.contains(document.activeElement) ||
      (selection && !selection.isCollapsed && region.contains(selection.anchorNode)) ||
      region.querySelector("details[open]:not([data-open])") !== null;
  },
};

document.documentElement.classList.add("js");
showCopyButtons(document);
live.start();
