/// <reference lib="dom" />
/** The table that shows both clients side by side. */

import { fetchComparison } from "./backend.ts";
import { bytes, speed } from "./format.ts";
import type { Client, Run } from "./settings.ts";

const CLIENTS: readonly Client[] = ["own", "uppy"];

/** What is told of a file. */
const CELLS: readonly [name: string, cell: (run: Run) => string][] = [
  ["file", ({ size }) => bytes(size)],
  ["time", ({ milliseconds }) => `${(milliseconds / 1000).toFixed(1)} s`],
  ["speed", ({ size, milliseconds }) => speed(1000 * size / Math.max(1, milliseconds))],
  ["requests", ({ requests }) => `${requests}`],
  ["twice", ({ size, sent }) => bytes(Math.max(0, sent - size))],
];

/** Shows the last file of each client, once there is one; returns what brings the table up to date. */
export function setUpComparison(section: HTMLElement): () => Promise<void> {
  const refresh = async () => {
    const comparison = await fetchComparison().catch(() => undefined);
    if (!comparison) return;
    section.hidden = CLIENTS.every((client) => comparison[client] === undefined);
    for (const client of CLIENTS) {
      const run = comparison[client];
      for (const [name, cell] of CELLS) {
        const element = section.querySelector(`[data-${name}="${client}"]`)!;
        element.textContent = run ? cell(run) : "–";
      }
    }
  };
  void refresh();
  return refresh;
}
