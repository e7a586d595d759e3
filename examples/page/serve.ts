/** The page, its tickets, the upload proxy and an emulated Google behind it: one server for all of them. */

import { GcsEmulator } from "@resumable-media/upload/emulator";
import { type ServedEmulator, serveEmulator } from "@resumable-media/upload/emulator/serve";
import { createUploadProxy } from "@resumable-media/upload/worker";
import { loadAssets } from "./assets.ts";
import { createCounter } from "./comparison.ts";
import { badNetwork, type Network, readChange } from "./network.ts";
import type { PageSettings } from "./settings.ts";
import { answerTicket } from "./tickets.ts";
import type { UppyBundle } from "./uppy/install.ts";

/** How to serve the page. */
export interface PageOptions {
  /**
   * The port; 0 takes any that is free.
   *
   * @default 0
   */
  readonly port?: number | undefined;
  /**
   * The address; `0.0.0.0` lets others on the network in.
   *
   * @default "127.0.0.1"
   */
  readonly host?: string | undefined;
  /** Where the uploads go. The default is an emulator of its own. */
  readonly gcs?: GcsEmulator | undefined;
  /** What differs from the usual settings. */
  readonly settings?: Partial<PageSettings> | undefined;
  /** Where Uppy comes from. The default installs it from npm when somebody wants it. */
  readonly uppy?: (() => Promise<UppyBundle>) | undefined;
  /** Called with each object that has been stored. */
  readonly onStored?: ((object: StoredObject) => void) | undefined;
}

/** An object that has been stored. */
export interface StoredObject {
  readonly bucket: string;
  readonly name: string;
  readonly size: number;
}

/** The bucket that the uploads go to. */
export const BUCKET = "demo-bucket";

const SETTINGS: PageSettings = {
  chunkSize: 1024 * 1024,
  maxBytes: 250_000_000,
  contentTypes: [
    "image/*",
    "video/*",
    "audio/*",
    "text/*",
    "application/pdf",
    "application/zip",
    "application/gzip",
    "application/json",
    "application/octet-stream",
  ],
  keepBytes: 100_000_000,
  retryDelay: 500,
};

/**
 * Serves the page on loopback. `node:http` does it rather than `Deno.serve`, because it can reset a connection: the page
 * has buttons for that. Connections are not kept: a browser repeats a request by itself when one that it
 * used before is reset, and nobody would see what the library does about it.
 */
export async function servePage(options: PageOptions = {}): Promise<ServedEmulator> {
  const settings = { ...SETTINGS, ...options.settings };
  const gcs = options.gcs ?? new GcsEmulator({ md5: false });
  const ticketSecret = randomSecret();
  const proxy = createUploadProxy({
    transport: gcs.fetch,
    fetch: gcs.fetch,
    bucket: BUCKET,
    sessionSecrets: [randomSecret()],
    tickets: { secret: ticketSecret },
    maxUploadBytes: settings.maxBytes,
    contentTypes: settings.contentTypes,
    logNames: true,
    log: (entry) => {
      const { generation, bucket, name, size } = entry;
      if (generation !== undefined && name !== undefined) {
        options.onStored?.({ bucket: bucket!, name, size: size! });
      }
    },
  });
  const assets = await loadAssets(options.uppy);
  const network = badNetwork();
  const counter = createCounter();
  return await serveEmulator({
    async fetch(input, init) {
      const request = new Request(input, init);
      switch (new URL(request.url).pathname) {
        case "/settings":
          return Response.json(settings, { headers: { "cache-control": "no-store" } });
        case "/ticket":
          return await answerTicket(request, ticketSecret, BUCKET);
        case "/network":
          return await answerNetwork(request, network);
        case "/comparison":
          return Response.json(counter.comparison, { headers: { "cache-control": "no-store" } });
      }
      return await assets(request) ??
        await network.carry(request, (carried) => counter.count(carried, proxy.fetch));
    },
  }, { port: options.port, hostname: options.host });
}

/** 32 random bytes in base64url. They live as long as the server: after a restart nothing old is taken. */
function randomSecret(): string {
  return crypto.getRandomValues(new Uint8Array(32)).toBase64({
    alphabet: "base64url",
    omitPadding: true,
  });
}

/** The page's switches for a bad network. */
async function answerNetwork(request: Request, network: Network): Promise<Response> {
  if (request.method === "POST") {
    const change = readChange(await request.json().catch(() => undefined));
    if (!change) return new Response("Expected speed or next", { status: 400 });
    network.set(change);
  }
  return Response.json(network.state, { headers: { "cache-control": "no-store" } });
}
