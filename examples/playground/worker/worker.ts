/// <reference lib="dom" />
/** The service worker: serves the files of the page, also without a network, and answers for playgrounds. */

import type { Message } from "../exchange.ts";
import { type Journal, openJournal } from "./journal.ts";
import { openPlayground, type Playground } from "./playground.ts";

/** What the build writes in front of this script. */
declare const PLAYGROUND: {
  /** Changes with the files. */
  readonly version: string;
  /** The files of the page, but for this one. */
  readonly files: readonly string[];
};

/** As much of a service worker as is used here; the library of types has it beside that of pages only. */
interface Scope {
  readonly registration: { readonly scope: string };
  readonly clients: { claim(): Promise<void> };
  addEventListener(
    type: "install" | "activate" | "message",
    listener: (event: Lasting) => void,
  ): void;
  addEventListener(type: "fetch", listener: (event: Fetched) => void): void;
}

interface Lasting extends Event {
  waitUntil(promise: Promise<unknown>): void;
}

interface Fetched extends Lasting {
  readonly request: Request;
  respondWith(response: Promise<Response>): void;
}

/** How long a playground is kept that nobody uses, in milliseconds: a day. */
const LIFETIME = 86_400_000;

const worker = globalThis as unknown as Scope;
const { scope } = worker.registration;
const CACHES = `playground ${scope} `;
const cacheName = CACHES + PLAYGROUND.version;
const boot = crypto.randomUUID();
const playgrounds = new Map<string, Promise<Playground>>();
let journal: Promise<Journal | undefined> | undefined;

worker.addEventListener("install", (event) => event.waitUntil(install()));
worker.addEventListener("activate", (event) => event.waitUntil(activate()));
// A page that was loaded past the worker (Shift and reload) asks for it.
worker.addEventListener("message", (event) => event.waitUntil(worker.clients.claim()));
worker.addEventListener("fetch", (event) => {
  const { url } = event.request;
  if (!url.startsWith(scope)) return;
  const [, id] = /^t\/([0-9a-f]{32})\//.exec(url.slice(scope.length)) ?? [];
  const response = id === undefined
    ? file(event.request)
    : playground(id).then((playground) => playground.answer(event.request));
  // A promise that rejects is a connection that breaks, too, but complains in the console.
  event.respondWith(response.catch(() => Response.error()));
});

async function install(): Promise<void> {
  const cache = await caches.open(cacheName);
  const fresh = (path: string) => new Request(new URL(path, scope), { cache: "no-cache" });
  await cache.addAll(["./", ...PLAYGROUND.files].map(fresh));
}

async function activate(): Promise<void> {
  for (const name of await caches.keys()) {
    if (name.startsWith(CACHES) && name !== cacheName) await caches.delete(name);
  }
  await worker.clients.claim();
}

/** A file of the page as it was when this worker was installed: all of them belong together. */
async function file(request: Request): Promise<Response> {
  const cache = await caches.open(cacheName);
  return await cache.match(request, { ignoreSearch: true }) ?? await fetch(request);
}

function playground(id: string): Promise<Playground> {
  let opening = playgrounds.get(id);
  if (!opening) {
    const base = `${scope}t/${id}/`;
    const channel = new BroadcastChannel(base);
    journal ??= openJournal(scope).catch(() => undefined);
    opening = journal.then(async (journal) => {
      await sweep(journal, id);
      return await openPlayground({
        ...{ id, base, boot, journal },
        tell: (exchange, lasting) =>
          channel.postMessage({ boot, lasting, exchange } satisfies Message),
      });
    });
    playgrounds.set(id, opening);
  }
  return opening;
}

/** Forgets what other tabs have left behind. */
async function sweep(journal: Journal | undefined, id: string): Promise<void> {
  const old = await journal?.sweep(Date.now() - LIFETIME).catch(() => []);
  for (const other of old ?? []) {
    if (other !== id) indexedDB.deleteDatabase(`uploads ${scope}t/${other}/`);
  }
}
