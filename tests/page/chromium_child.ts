/**
 * A Chromium that does what it is told on standard input, a line of JSON a command, and answers on standard output.
 * It runs apart, with the configuration of tests/support/runtimes, which alone knows where Chromium comes from. It ends
 * when its input does: whatever becomes of the tests, no browser is left behind.
 */

import { TextLineStream } from "./lines.ts";
import type { Answer, Command } from "./remote.ts";

type Callable = Record<string, (...args: unknown[]) => unknown>;

/** As much of a page as is used here by name; the rest is called as the commands say. */
interface Watched {
  on(event: string, listener: (detail: Detail) => void): void;
}

interface Detail {
  readonly message?: string;
  type?(): string;
  text?(): string;
  url?(): string;
}

// Not a literal, since only the configuration that this runs with knows what that file imports.
const launcher: string = new URL("../support/runtimes/chromium.ts", import.meta.url).href;
const { launchChromium }: { launchChromium(): Promise<Callable> } = await import(launcher);

const browser = await launchChromium();
const things = new Map<string, Callable>([["browser", browser]]);
const problems: string[] = [];
/** The addresses that pages have asked for, by the names of the pages. */
const requests = new Map<string, string[]>();

async function obey({ on, steps, as }: Command): Promise<unknown> {
  if (on === "problems") return problems.splice(0);
  if (on.startsWith("requests of ")) return requests.get(on.slice("requests of ".length)) ?? [];
  let value: unknown = things.get(on);
  for (const [method, ...args] of steps) {
    value = await (value as Callable)[method](...args.map(revive));
  }
  if (as === undefined) return value ?? null;
  things.set(as, value as Callable);
  if (steps.at(-1)?.[0] === "newPage") watch(value as Watched, as);
  return null;
}

/** Regular expressions are no JSON, and neither are the things of this process. */
function revive(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  if ("regexp" in value) return new RegExp(String(value.regexp));
  if ("thing" in value) return things.get(String(value.thing));
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, revive(inner)]));
}

/** Collects what a page asks for, and complains about: errors of its script, of the network, of the Content-Security-Policy. */
function watch(page: Watched, name: string): void {
  const urls: string[] = [];
  requests.set(name, urls);
  page.on("request", (request) => urls.push(request.url?.() ?? ""));
  page.on("console", (entry) => {
    const type = entry.type?.();
    if (type === "error" || type === "warning") problems.push(`${type}: ${entry.text?.()}`);
  });
  page.on("pageerror", ({ message }) => problems.push(`exception: ${message}`));
}

async function answer(command: Command): Promise<void> {
  const reply: Answer = await obey(command).then(
    (value) => ({ id: command.id, value }),
    (error: Error) => ({ id: command.id, error: error.message }),
  );
  console.log(JSON.stringify(reply));
}

try {
  const lines = Deno.stdin.readable
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(new TextLineStream());
  for await (const line of lines) void answer(JSON.parse(line));
} finally {
  await browser.close();
}
Deno.exit(0);
