// Returns a list of sentences: what on this page would keep somebody from
// using it. The last expression is the answer.
(() => {
  const faults = [];
  const name = (e) => `<${e.tagName.toLowerCase()}${e.id ? " id=" + e.id : ""}${e.className && typeof e.className === "string" ? " class=" + e.className : ""}> ${(e.textContent || "").trim().slice(0, 40)}`;
  const visible = (e) => {
    if (!e.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true })) return false;
    const r = e.getBoundingClientRect();
    return r.width > 1 && r.height > 1;
  };
  const fault = (text, e) => faults.push(e ? `${text}: ${name(e)}` : text);
  const shown = (selector) => [...document.querySelectorAll(selector)].filter((e) => e.checkVisibility());

  if (!document.documentElement.lang) fault("the page has no language");
  if (!document.title.trim()) fault("the page has no title");
  if (document.querySelectorAll("main").length !== 1) fault("the page has not one main");
  const headings = shown("h1, h2, h3, h4, h5, h6");
  if (headings.filter((h) => h.tagName === "H1").length !== 1) fault("the page has not one h1");
  let level = 0;
  for (const h of headings) {
    const n = Number(h.tagName[1]);
    if (n > level + 1) fault(`a heading of level ${n} follows one of level ${level}`, h);
    if (!h.textContent.trim()) fault("a heading is empty", h);
    level = n;
  }

  const ids = new Set();
  for (const e of document.querySelectorAll("[id]")) {
    if (ids.has(e.id)) fault("an id is there twice", e);
    ids.add(e.id);
  }
  for (const attribute of ["aria-describedby", "aria-labelledby", "aria-controls", "for"]) {
    for (const e of document.querySelectorAll(`[${attribute}]`)) {
      for (const id of e.getAttribute(attribute).trim().split(/\s+/)) if (!ids.has(id)) fault(`${attribute} names "${id}", which is not there`, e);
    }
  }

  for (const e of shown("input:not([type=hidden]), select, textarea")) {
    const labelled = [...e.labels].some((l) => l.textContent.trim()) || e.ariaLabel || e.getAttribute("aria-labelledby");
    if (!labelled) fault("an input has no label", e);
    if (e.getAttribute("aria-invalid") === "true" && !e.getAttribute("aria-describedby")) fault("what is wrong with an input is not tied to it", e);
  }
  for (const e of shown("a[href], button, summary")) {
    if (!(e.textContent.trim() || e.ariaLabel)) fault("a link or a button has no name", e);
    const inText = getComputedStyle(e).display === "inline";
    const r = e.getBoundingClientRect();
    if (!inText && visible(e) && !e.classList.contains("skip") && (r.width < 24 || r.height < 24)) fault(`a target is ${Math.round(r.width)} by ${Math.round(r.height)}, smaller than 24 by 24`, e);
  }
  for (const e of shown("svg").filter((e) => !e.parentElement.closest("svg"))) {
    const hidden = e.closest("[aria-hidden=true]");
    const named = e.getAttribute("role") === "img" && (e.ariaLabel || e.getAttribute("aria-labelledby"));
    if (!hidden && !named) fault("a picture has neither a name nor is it hidden", e.parentElement);
  }
  for (const e of document.querySelectorAll("[tabindex]")) if (e.tabIndex > 0) fault("a tabindex changes the order of the page", e);
  for (const e of shown("table")) if (!e.querySelector("th")) fault("a table has no headers", e);
  for (const e of document.querySelectorAll("[style], [onclick], script:not([src]), style")) fault("style or script stands in the page", e);

  // Contrast (WCAG 2.2, 1.4.3): what is behind a text is composed from its ancestors.
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const seen = new Map();
  const rgba = (color) => {
    if (!seen.has(color)) {
      canvas.clearRect(0, 0, 1, 1);
      canvas.fillStyle = color;
      canvas.fillRect(0, 0, 1, 1);
      const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
      seen.set(color, [r, g, b, a / 255]);
    }
    return seen.get(color);
  };
  const over = (top, under) => top.slice(0, 3).map((c, i) => c * top[3] + under[i] * (1 - top[3]));
  const ground = (e) => {
    const layers = [];
    const shape = e instanceof SVGElement && e.previousElementSibling; // a text in a shape stands after it
    if (shape && shape.getBoundingClientRect().bottom > e.getBoundingClientRect().bottom && /^(circle|rect)$/.test(shape.tagName) && getComputedStyle(shape).fill !== "none") layers.push(rgba(getComputedStyle(shape).fill));
    if (layers[0]?.[3] === 1) return layers[0].slice(0, 3);
    for (; e; e = e.parentElement) {
      const c = rgba(getComputedStyle(e).backgroundColor);
      if (c[3] > 0) layers.push(c);
      if (c[3] === 1) break;
    }
    return layers.reverse().reduce((under, top) => over(top, under), [255, 255, 255]);
  };
  const light = (c) => {
    const [r, g, b] = c.map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const e = texts.currentNode.parentElement;
    if (!texts.currentNode.data.trim() || !visible(e) || e.closest(".unseen, .skip, :disabled, script, option")) continue;
    if (e.closest("td")) for (const word of texts.currentNode.data.matchAll(/\S+/g)) {
      if (!/^[\p{L}\p{N}._]{1,24}$/u.test(word[0])) continue;
      const range = document.createRange();
      range.setStart(texts.currentNode, word.index);
      range.setEnd(texts.currentNode, word.index + word[0].length);
      if (new Set([...range.getClientRects()].map((r) => Math.round(r.top))).size > 1) fault(`the word "${word[0]}" of a table is broken in two`, e);
    }
    const style = getComputedStyle(e);
    const behind = ground(e);
    const color = rgba(e instanceof SVGElement ? style.fill : style.color);
    const [a, b] = [light(over(color, behind)), light(behind)].sort((x, y) => y - x);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < (large ? 3 : 4.5)) fault(`the contrast is ${ratio.toFixed(2)}`, e);
  }

  for (const e of shown(".table-wrap")) if (e.scrollWidth > e.clientWidth) fault(`a table is ${e.scrollWidth - e.clientWidth} pixels wider than its place`, e);
  const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  if (wide > 0) {
    const culprit = [...document.querySelectorAll("main *, header *")].find((e) => visible(e) && e.getBoundingClientRect().right > document.documentElement.clientWidth + 1);
    fault(`the page is ${wide} pixels wider than the window`, culprit || document.body);
  }
  return [...new Set(faults)];
})()
