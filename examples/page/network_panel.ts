/// <reference lib="dom" />
/** The switches that make the network worse. */

import { network } from "./backend.ts";
import type { Mishap } from "./settings.ts";

const SAID: Readonly<Record<Mishap, string>> = {
  cut: "The next chunk will break off half way",
  lose: "The next reply will be lost",
  busy: "The server will be busy for the next chunk",
};

/** Sets the switches to how the network is, and makes them work. Returns what to call when something went wrong. */
export async function setUpNetworkPanel(
  form: HTMLFormElement,
  say: (message: string) => void,
): Promise<() => void> {
  const output = form.querySelector("output")!;
  const { speed } = await network();
  const current = form.querySelector<HTMLInputElement>(
    `input[name="speed"][value="${speed ?? ""}"]`,
  );
  if (current) current.checked = true;
  form.addEventListener("change", async (event) => {
    const { name, value } = event.target as HTMLInputElement;
    if (name === "speed") await network({ speed: value === "" ? null : Number(value) });
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const next = (event.submitter as HTMLButtonElement | null)?.value as Mishap | undefined;
    if (!next) return;
    await network({ next });
    output.textContent = `${SAID[next]}.`;
    say(SAID[next]);
  });
  return () => output.textContent = "";
}
