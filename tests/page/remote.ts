/** A browser in a process of its own, as the tests see it. */

import { fileURLToPath } from "node:url";
import { TextLineStream } from "./lines.ts";

/** One thing to do: calls on a thing, each on what the one before returned. */
export interface Command {
  readonly id: number;
  /** `browser`, `problems`, or the name that an earlier command gave. */
  readonly on: string;
  readonly steps: readonly Step[];
  /** Under which name to keep the result, instead of returning it. */
  readonly as?: string | undefined;
}

/** A method of Playwright's, and its arguments. */
export type Step = readonly [method: string, ...args: unknown[]];

/** What came of a command. */
export interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: string;
}

/** How long a single command may take before it counts as failed, in milliseconds. */
const COMMAND_TIMEOUT = 20_000;

const RUNTIMES = new URL("../portable/runtimes/", import.meta.url);

/** A browser. */
export interface Browser extends AsyncDisposable {
  /** A visitor with an empty profile of his own. */
  visitor(options?: Record<string, unknown>): Promise<Visitor>;
  /** What pages have complained about since the last call. */
  problems(): Promise<string[]>;
}

/** A visitor: his pages share what they store. */
export interface Visitor extends AsyncDisposable {
  open(url: string): Promise<Page>;
}

/** A page. */
export interface Page {
  /** Does something with the page itself. */
  call<T = unknown>(method: string, ...args: unknown[]): Promise<T>;
  /** Elements by a CSS selector; with `text`, only those that contain it. */
  find(selector: string, text?: string | RegExp): Elements;
  /** The element with this role and name, as assistive technology sees them. */
  role(role: string, name?: string | RegExp): Elements;
  /** Presses a key wherever the focus is. */
  press(key: string): Promise<void>;
  /** Stops all service workers, as a browser does when it wants their memory. */
  stopWorkers(): Promise<void>;
  /** The addresses of all requests of the page, since it was opened. */
  requests(): Promise<string[]>;
}

/** Elements of a page. */
export interface Elements {
  call<T = unknown>(method: string, ...args: unknown[]): Promise<T>;
  /** Those below these. */
  find(selector: string, text?: string | RegExp): Elements;
  role(role: string, name?: string | RegExp): Elements;
  /** Waits until one is visible. */
  seen(): Promise<void>;
  /** Waits until none is visible. */
  unseen(): Promise<void>;
  click(): Promise<void>;
  text(): Promise<string>;
  attribute(name: string): Promise<string | null>;
}

/** Starts Chromium. */
export async function startBrowser(): Promise<Browser> {
  const install = new Deno.Command(Deno.execPath(), {
    args: ["install", "--quiet"],
    cwd: RUNTIMES,
    stdin: "null",
  });
  const { success, stderr } = await install.output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--quiet", "--allow-all", "--no-check"],
      `--config=${fileURLToPath(new URL("deno.json", RUNTIMES))}`,
      fileURLToPath(new URL("chromium_child.ts", import.meta.url)),
    ],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const input = child.stdin.getWriter();
  const waiting = new Map<number, (answer: Answer) => void>();
  const reading = (async () => {
    const lines = child.stdout
      .pipeThrough(new TextDecoderStream())
      .pipeThrough(new TextLineStream());
    for await (const line of lines) {
      const answer: Answer = JSON.parse(line);
      waiting.get(answer.id)?.(answer);
      waiting.delete(answer.id);
    }
    for (const [id, settle] of waiting) settle({ id, error: "the browser has ended" });
  })();

  let count = 0;
  const send = async (on: string, steps: readonly Step[], as?: string): Promise<unknown> => {
    const id = ++count;
    const { promise, resolve } = Promise.withResolvers<Answer>();
    waiting.set(id, resolve);
    const timer = setTimeout(
      () => resolve({ id, error: "no answer in time" }),
      2 * COMMAND_TIMEOUT,
    );
    const command: Command = { id, on, steps, as };
    await input.write(new TextEncoder().encode(`${JSON.stringify(command, regexps)}\n`));
    const { value, error } = await promise.finally(() => clearTimeout(timer));
    if (error === undefined) return value;
    throw new Error(`${steps.map(([name, ...args]) => name + JSON.stringify(args))}: ${error}`);
  };

  return {
    async visitor(options = {}) {
      const name = `visitor ${count}`;
      await send("browser", [["newContext", options]], name);
      await send(name, [["setDefaultTimeout", COMMAND_TIMEOUT]]);
      return {
        async open(url) {
          const page = `page ${count}`;
          await send(name, [["newPage"]], page);
          await send(page, [["goto", url]], "response");
          return pageOf((steps, as) => send(page, steps, as), page, send);
        },
        [Symbol.asyncDispose]: async () => void await send(name, [["close"]]),
      };
    },
    problems: async () => await send("problems", []) as string[],
    async [Symbol.asyncDispose]() {
      await input.close();
      const late = setTimeout(() => child.kill("SIGKILL"), COMMAND_TIMEOUT);
      await Promise.all([child.status, reading]);
      clearTimeout(late);
    },
  };
}

type Send = (steps: readonly Step[], as?: string) => Promise<unknown>;

function pageOf(
  send: Send,
  name: string,
  sendTo: (on: string, steps: readonly Step[]) => Promise<unknown>,
): Page {
  const page = elements(send, []);
  return {
    find: page.find,
    role: page.role,
    call: page.call,
    press: async (key) => void await send([["locator", ":focus"], ["press", key]]),
    async stopWorkers() {
      const session = `session of ${name}`;
      await send([["context"], ["newCDPSession", { thing: name }]], session);
      for (const method of ["ServiceWorker.enable", "ServiceWorker.stopAllWorkers"]) {
        await sendTo(session, [["send", method]]);
      }
      await sendTo(session, [["detach"]]);
    },
    requests: async () => await sendTo(`requests of ${name}`, []) as string[],
  };
}

function elements(send: Send, path: readonly Step[]): Elements {
  const act = (...step: Step) => send([...path, step]);
  return {
    call: async <T>(method: string, ...args: unknown[]) => await act(method, ...args) as T,
    find: (selector, text) =>
      elements(send, [...path, ["locator", selector, ...(text ? [{ hasText: text }] : [])]]),
    role: (role, name) =>
      elements(send, [...path, ["getByRole", role, ...(name ? [{ name }] : [])]]),
    seen: async () => void await act("waitFor", { state: "visible" }),
    unseen: async () => void await act("waitFor", { state: "hidden" }),
    click: async () => void await act("click"),
    text: async () => await act("innerText") as string,
    attribute: async (name) => await act("getAttribute", name) as string | null,
  };
}

function regexps(_key: string, value: unknown): unknown {
  return value instanceof RegExp ? { regexp: value.source } : value;
}
