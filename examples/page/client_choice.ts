/// <reference lib="dom" />
/** Which client uploads: this library, or Uppy, which is fetched when it is chosen. */

import type { Client } from "./settings.ts";
import type { AddFiles, DashboardOptions, MountUppy } from "./uppy/mount.ts";

/** The parts of the page that change with the choice. */
export interface ChoiceParts {
  readonly form: HTMLFormElement;
  /** Says that Uppy is on its way, or why it cannot be had. */
  readonly note: HTMLElement;
  /** What is shown with this library only. */
  readonly own: readonly HTMLElement[];
  /** Where Uppy goes. */
  readonly target: HTMLElement;
}

/** What Uppy needs of the page. */
export type UppyNeeds = Omit<DashboardOptions, "target">;

/** The choice. */
export interface ClientChoice {
  /** Hands files to Uppy, if it is chosen and there; whether it took them. */
  offer(files: readonly File[]): boolean;
}

/** Makes the choice work. It is in the address of the page, so that a reload keeps it. */
export function setUpClientChoice(parts: ChoiceParts, needs: UppyNeeds): ClientChoice {
  const { form, note, own, target } = parts;
  let add: AddFiles | undefined;
  let chosen: Client = "own";

  const write = (text: string) => {
    note.textContent = text;
    note.hidden = text === "";
    if (text !== "") needs.say(text);
  };
  const show = (client: Client) => {
    chosen = client;
    form.querySelector<HTMLInputElement>(`input[value="${client}"]`)!.checked = true;
    history.replaceState(null, "", client === "uppy" ? "#uppy" : location.pathname);
    for (const element of own) element.hidden = client === "uppy";
    target.hidden = client === "own";
  };
  const choose = async (client: Client) => {
    show(client);
    write("");
    if (client === "own" || add) return;
    write("Uppy is being fetched. The first time it comes from npm, which takes a moment.");
    try {
      const mounted = await loadUppy({ ...needs, target });
      add ??= mounted;
      write("");
    } catch (error) {
      show("own");
      write((error as Error).message);
    }
  };

  form.addEventListener("change", (event) => {
    void choose((event.target as HTMLInputElement).value as Client);
  });
  if (location.hash === "#uppy") void choose("uppy");
  return {
    offer(files) {
      if (chosen !== "uppy" || !add) return false;
      add(files);
      return true;
    },
  };
}

const SCRIPT: string = "/uppy.js"; // not a literal below: it is no part of this page's own script

async function loadUppy(options: DashboardOptions): Promise<AddFiles> {
  const reply = await fetch(SCRIPT).catch(() => undefined);
  if (!reply?.ok) {
    const reason = reply?.status === 503 ? await reply.text() : "The server did not answer.";
    throw new Error(`Uppy is not there; this library uploads. ${reason}`);
  }
  const style = document.createElement("link");
  style.rel = "stylesheet";
  style.href = "/uppy.css";
  document.head.append(style);
  const { mountUppy } = await import(SCRIPT) as { mountUppy: MountUppy };
  return mountUppy(options);
}
