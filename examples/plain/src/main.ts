/** The page without a framework: one element for each upload, brought up to date with each change. */

import { add, pause, resume, subscribe, type Upload } from "./uploads.ts";

const zone = document.querySelector<HTMLElement>(".drop")!;
const input = document.querySelector<HTMLInputElement>("input")!;
const template = document.querySelector<HTMLTemplateElement>("template")!;
const items = document.querySelector<HTMLElement>("ul")!;

input.addEventListener("change", () => {
  add(input.files!);
  input.value = ""; // so that the same file can be chosen again
});
zone.addEventListener("dragover", (event) => event.preventDefault());
zone.addEventListener("drop", (event) => {
  event.preventDefault();
  add(event.dataTransfer!.files);
});

subscribe((uploads) => {
  for (const upload of uploads) show(items.children[upload.id] ?? newItem(upload), upload);
});

function newItem({ id }: Upload): Element {
  items.append(template.content.cloneNode(true));
  const item = items.lastElementChild!;
  item.querySelector("button")!.addEventListener("click", ({ currentTarget }) => {
    const { value } = currentTarget as HTMLButtonElement;
    if (value === "pause") pause(id);
    else resume(id);
  });
  return item;
}

function show(item: Element, { name, size, state, sent, rate, message }: Upload): void {
  const button = item.querySelector("button")!;
  const bar = item.querySelector("progress")!;
  item.querySelector("strong")!.textContent = name;
  item.querySelector("span")!.textContent = `${(rate / 1e6).toFixed(1)} MB/s`;
  item.querySelector("output")!.value = message;
  bar.max = size || 1;
  bar.value = state === "stored" ? bar.max : sent;
  button.hidden = state === "stored";
  button.value = state === "sending" ? "pause" : "resume";
  button.textContent = state === "sending" ? "Pause" : "Resume";
}
