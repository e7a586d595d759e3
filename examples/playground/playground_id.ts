/// <reference lib="dom" />
/** Which playground this tab has: one of its own, which a reload keeps. */

import { randomId } from "../page/random_id.ts";

const KEY = "playground";

/** How long another page is waited for, in milliseconds: the one before a reload lets go of it at once. */
const TIMEOUT = 2000;

/** The name of this tab's playground. A tab that was duplicated gets a new one. */
export async function playgroundId(): Promise<string> {
  const kept = sessionStorage.getItem(KEY);
  if (kept && await isOurs(kept)) return kept;
  const id = randomId();
  sessionStorage.setItem(KEY, id);
  await isOurs(id);
  return id;
}

/** Holds the playground until this page is gone; false if another one has it. */
function isOurs(id: string): Promise<boolean> {
  return new Promise((resolve) => {
    const signal = AbortSignal.timeout(TIMEOUT);
    navigator.locks.request(`playground ${id}`, { signal }, () => {
      resolve(true);
      return new Promise(() => {});
    }).catch(() => resolve(false));
  });
}
