/// <reference lib="dom" />
/** The switches that make the network worse. */

import type { NetworkFault, NetworkState } from "./settings.ts";

/** Makes the network better or worse; without a change, tells how it is. */
export type SetNetwork = (change?: Partial<NetworkState>) => Promise<NetworkState>;

const SAID: Readonly<Record<NetworkFault, string>> = {
  cut: "The next chunk will break off half way",
  lose: "The next reply will be lost",
  busy: "The server will be busy for the next chunk",
  corrupt: "A bit of the next chunk will be flipped",
  gone: "The session will be gone at the next chunk",
};

/** How often the page looks whether a fault has happened, in milliseconds. */
const EVERY = 1000;

/**
 * Sets the switches to how the network is, and makes them work. Returns what to call when something went wrong, or when
 * an upload has ended: the fault may be over.
 */
export async function setUpNetworkPanel(
  form: HTMLFormElement,
  network: SetNetwork,
  say: (message: string) => void,
): Promise<() => void> {
  const output = form.querySelector("output")!;
  const buttons = [...form.querySelectorAll<HTMLButtonElement>("button[name=next]")];
  let pending: NetworkFault | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const show = (next: NetworkFault | null) => {
    pending = next;
    for (const button of buttons) button.ariaPressed = String(button.value === next);
    output.textContent = next === null ? "" : `${SAID[next]}.`;
    clearTimeout(timer);
    if (next !== null) timer = setTimeout(look, EVERY);
  };
  /** Another page, or an upload that noticed nothing of it, may have met the fault. */
  const look = async () => {
    const state = await network().catch(() => undefined);
    show(state ? state.next : pending);
  };

  const { speed, next } = await network();
  const current = form.querySelector<HTMLInputElement>(
    `input[name="speed"][value="${speed ?? ""}"]`,
  );
  if (current) current.checked = true;
  show(next);
  form.addEventListener("change", async (event) => {
    const { name, value } = event.target as HTMLInputElement;
    if (name === "speed") await network({ speed: value === "" ? null : Number(value) });
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const wanted = (event.submitter as HTMLButtonElement | null)?.value as NetworkFault | undefined;
    if (!wanted || !(wanted in SAID)) return;
    const state = await network({ next: wanted === pending ? null : wanted });
    show(state.next);
    say(state.next === null ? "Nothing will go wrong" : SAID[state.next]);
  });
  return () => {
    if (pending !== null) void look();
  };
}
