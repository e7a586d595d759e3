/// <reference lib="dom" />
/** The card of an upload: what the user sees of it, and the buttons. */

import { bytes, duration, percent, shownName, speed } from "./format.ts";
import { marks, place } from "./chunk_marks.ts";
import type { Phase, Transfer } from "./transfer.ts";

/** What the buttons do. */
export interface CardActions {
  readonly pause: () => void;
  readonly resume: () => void;
  readonly cancel: () => void;
  readonly dismiss: () => void;
  readonly offer: (file: File) => void;
}

/** A card on the page. */
export interface Card {
  readonly element: HTMLElement;
  /** Shows where the upload stands. */
  render(transfer: Transfer): void;
}

const PHASES: Readonly<Record<Phase, string>> = {
  waiting: "Waiting for its turn",
  starting: "Starting",
  checking: "Comparing the file with what is stored",
  uploading: "Uploading",
  paused: "Paused",
  "needs-file": "Needs the file again",
  failed: "Stopped",
  cancelling: "Cancelling",
  done: "Stored",
  gone: "Gone",
};

const SVG = "http://www.w3.org/2000/svg";

let count = 0;

/** Makes the card of an upload from the page's template. */
export function createCard(
  transfer: Transfer,
  chunkSize: number,
  template: HTMLTemplateElement,
  actions: CardActions,
): Card {
  const element = (template.content.cloneNode(true) as DocumentFragment)
    .firstElementChild as HTMLElement;
  const part = <E extends Element>(name: string) => element.querySelector<E>(`[data-${name}]`)!;
  const { size } = transfer.record;
  const name = shownName(transfer.record.name);
  const [main, second] = [part<HTMLButtonElement>("main"), part<HTMLButtonElement>("second")];
  const bar = part<HTMLElement>("bar");
  const again = part<HTMLInputElement>("again");

  const title = part<HTMLElement>("name");
  title.textContent = name;
  title.id = `upload-${++count}`;
  bar.setAttribute("aria-labelledby", title.id);
  element.setAttribute("aria-labelledby", title.id);
  part("size").textContent = bytes(size);
  for (const of of element.querySelectorAll("[data-of]")) of.textContent = name;
  const drawn = part<SVGElement>("marks");
  for (const at of marks(size, transfer.record.checkpoint?.chunkSize ?? chunkSize)) {
    const line = document.createElementNS(SVG, "line");
    for (const [key, value] of [["x1", `${at}%`], ["x2", `${at}%`], ["y1", "0"], ["y2", "100%"]]) {
      line.setAttribute(key, value);
    }
    drawn.append(line);
  }
  main.addEventListener(
    "click",
    () => element.dataset.main === "pause" ? actions.pause() : actions.resume(),
  );
  second.addEventListener(
    "click",
    () => {
      if (second.ariaDisabled === "true") return;
      if (element.dataset.second === "remove") actions.dismiss();
      else actions.cancel();
    },
  );
  again.addEventListener("change", () => {
    const file = again.files?.[0];
    again.value = "";
    if (file) actions.offer(file);
  });

  return {
    element,
    render(transfer) {
      const { phase, sent, stored, steady, problem, object } = transfer;
      element.dataset.phase = phase;
      element.toggleAttribute("data-unsteady", !steady && phase === "uploading");
      element.toggleAttribute("data-refused", problem?.remedy === "none");
      renderBar(bar, part("sent"), part("stored"), { sent, stored, size, phase });
      write(part("stored-text"), bytes(stored));
      write(part("sent-text"), bytes(sent));
      write(part("percent"), `${percent(stored, size)}%`);
      write(part("status"), statusOf(transfer));
      write(part("what"), problem?.what ?? "");
      write(part("advice"), problem?.advice ?? "");
      part<HTMLElement>("problem").hidden = !problem;
      part<HTMLElement>("proof").hidden = phase !== "done";
      write(part("object"), object ? `gs://${object.bucket}/${shownName(object.name ?? "")}` : "");
      write(part("checksum"), object?.crc32c ?? "none");
      const said = transfer.compared ? "same as the file’s" : "not compared with the file’s";
      write(part("compared"), said);
      part<HTMLElement>("again-label").hidden = phase !== "needs-file";
      renderButtons(element, main, second, transfer, part("main-text"), part("second-text"));
    },
  };
}

interface Amounts {
  readonly sent: number;
  readonly stored: number;
  readonly size: number;
  readonly phase: Phase;
}

/** One bar with two numbers: how much is stored is its value, and both are in its text. */
function renderBar(
  bar: HTMLElement,
  sentBar: SVGElement,
  storedBar: SVGElement,
  { sent, stored, size, phase }: Amounts,
): void {
  const whole = phase === "done" ? [1, 1, 1] : [sent, stored, size];
  sentBar.setAttribute("width", place(whole[0], whole[2]));
  storedBar.setAttribute("width", place(whole[1], whole[2]));
  const [sentPercent, storedPercent] = [whole[0], whole[1]].map((part) => percent(part, whole[2]));
  bar.setAttribute("aria-valuenow", `${storedPercent}`);
  bar.setAttribute("aria-valuetext", `${storedPercent}% stored, ${sentPercent}% sent`);
}

function statusOf({ phase, steady, speed: perSecond, stored, record, problem }: Transfer): string {
  if (problem?.remedy === "none") return "Not accepted";
  if (phase !== "uploading") return PHASES[phase];
  if (!steady) return "Interrupted, trying again";
  if (!perSecond) return PHASES.uploading;
  const left = duration((record.size - stored) / perSecond);
  return `${speed(perSecond)}, ${left} left`;
}

function renderButtons(
  element: HTMLElement,
  main: HTMLButtonElement,
  second: HTMLButtonElement,
  { phase, problem }: Transfer,
  mainText: Element,
  secondText: Element,
): void {
  const text = mainButton(phase, problem?.remedy);
  const hadFocus = document.activeElement === main;
  element.dataset.main = text === "Pause" ? "pause" : "resume";
  write(mainText, text ?? "");
  main.hidden = text === undefined;
  const over = phase === "done" || (phase === "failed" && problem?.remedy === "none");
  element.dataset.second = phase === "done" ? "remove" : "cancel";
  write(secondText, over ? "Remove" : "Cancel");
  second.ariaDisabled = phase === "cancelling" ? "true" : null; // not disabled: it would lose the focus
  if (hadFocus && main.hidden) second.focus();
}

function mainButton(phase: Phase, remedy: string | undefined): string | undefined {
  switch (phase) {
    case "waiting":
    case "starting":
    case "checking":
    case "uploading":
      return "Pause";
    case "paused":
      return "Resume";
    case "failed":
      return remedy === "retry" ? "Try again" : remedy === "restart" ? "Start again" : undefined;
    default:
      return undefined;
  }
}

/** Writes only what has changed: screen readers and selections are left in peace. */
function write(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}
