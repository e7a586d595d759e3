/** What has to hold on every page, whatever it shows: expressions that a test evaluates in it. */

/** What is wrong with names, roles, sizes and headings, as an expression for the page; targets have 24 px at least. */
export const CHECKS = `(() => {
  const wrong = [];
  const shown = (element) => element.checkVisibility();
  const ids = [...document.querySelectorAll("[id]")].map(({ id }) => id);
  if (new Set(ids).size !== ids.length) wrong.push("an id is there twice");
  for (const element of document.querySelectorAll("[aria-labelledby],[aria-describedby]")) {
    for (const name of ["aria-labelledby", "aria-describedby"]) {
      for (const id of element.getAttribute(name)?.split(" ") ?? []) {
        if (!document.getElementById(id)?.textContent.trim()) wrong.push(name + " " + id);
      }
    }
  }
  for (const element of document.querySelectorAll("button,input,select,summary")) {
    if (!shown(element)) continue;
    const text = element.matches("input,select") ? element.labels[0]?.innerText : element.innerText;
    if (!text?.trim()) wrong.push("no name: " + element.outerHTML);
    const { width, height } = (element.closest("label") ?? element).getBoundingClientRect();
    if (width < 24 || height < 24) wrong.push("too small: " + element.outerHTML);
  }
  for (const bar of document.querySelectorAll("[role=progressbar]")) {
    const value = Number(bar.getAttribute("aria-valuenow"));
    if (!(value >= 0 && value <= 100)) wrong.push("value: " + bar.outerHTML);
  }
  const levels = [...document.querySelectorAll("h1,h2,h3")].filter(shown).map((h) => +h.tagName[1]);
  if (levels.some((level, i) => level > (levels[i - 1] ?? 0) + 1)) wrong.push("headings " + levels);
  if (!document.documentElement.lang || !document.title) wrong.push("no language or title");
  const wide = document.documentElement.scrollWidth;
  if (wide > innerWidth) wrong.push("too wide: " + wide);
  if (document.querySelector("[style],style,script:not([src])")) wrong.push("something inline");
  return wrong;
})()`;

/** Contrast of all texts with what is behind them, by WCAG's formula. */
export const CONTRAST = `(() => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const rgba = (color) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    return canvas.getImageData(0, 0, 1, 1).data;
  };
  const light = (color) => {
    const [r, g, b] = [...rgba(color)].map((c) => c / 255)
      .map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = getComputedStyle(at).backgroundColor;
      if (rgba(color)[3] === 255) return color;
    }
    return "white";
  };
  const poor = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = texts.nextNode(); node; node = texts.nextNode()) {
    const element = node.parentElement;
    if (!node.data.trim() || !element.checkVisibility() || element.closest(".unseen")) continue;
    const [a, b] = [getComputedStyle(element).color, behind(element)].map(light).sort((a, b) => b - a);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) poor.push(node.data.trim() + ": " + ratio.toFixed(2));
  }
  return poor;
})()`;
