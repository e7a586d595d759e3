/**
 * An emulated Google behind a wire: what an upload costs there, without a fault or with one.
 *
 * @module
 */

import { serveEmulator } from "../../src/emulator/serve.ts";
import { GcsEmulator, type RequestKind } from "../../src/emulator/mod.ts";
import { type Limit, openWire } from "./wire.ts";

/**
 * What goes wrong, once, with the first request that carries data:
 *
 * - `none`: nothing;
 * - `unavailable`: a 503 comes in place of its reply, and none of it is stored;
 * - `broken`: the connection breaks in the middle of its data;
 * - `reused`: the same, and the connection is one that has served a request before, if there was one.
 *
 * But for `reused`, each request has a connection of its own.
 */
export type Fault = "none" | "unavailable" | "broken" | "reused";

/** All of them. */
export const FAULTS: readonly Fault[] = ["none", "unavailable", "broken", "reused"];

/** What an upload cost. */
export interface Cost {
  readonly requests: number;
  /** How many requests of each kind, by the emulator's log. */
  readonly kinds: Readonly<Record<string, number>>;
  /** Bytes from the client that reached the place where the wire broke, or the server. */
  readonly sent: number;
  /** Bytes that reached the client. */
  readonly received: number;
  /** Why there is no such object in the end, or `null`. */
  readonly failed: string | null;
}

/** What has to be stored in the end. */
export interface Expected {
  readonly size: number;
  /** Base64. */
  readonly crc32c: string;
}

/** Where an upload goes. */
export interface Place {
  readonly origin: string;
  readonly bucket: string;
  readonly name: string;
}

/** The requests that carry data, or finish an object that has none. */
const DATA: readonly RequestKind[] = ["chunk", "final", "finalize", "media", "multipart"];

/**
 * Measures one upload, which returns why it failed, or `null`. The connection breaks, if it has to, after `half` bytes of
 * the request's body.
 */
export async function costOf(
  fault: Fault,
  half: number,
  expected: Expected,
  upload: (place: Place) => Promise<string | null>,
): Promise<Cost> {
  const gcs = new GcsEmulator({ store: "discard", md5: false });
  if (fault === "unavailable") gcs.inject({ on: DATA, status: 503 });
  const fetch: GcsEmulator["fetch"] = async (url, init) =>
    await gcs.fetch(url, fault === "unavailable" ? await read(init) : init);
  const server = await serveEmulator({ fetch }, { keepAlive: fault === "reused" });
  const breaks = fault === "broken" || fault === "reused";
  const limit: Limit = {
    bytes: half,
    isMeant: (line) => /^(?:PUT|POST \S*[?&]uploadType=(?:media|multipart)\b)/.test(line),
    onRequest: () => gcs.inject({ on: DATA, cut: half }),
  };
  try {
    await using wire = openWire(server.origin, breaks ? limit : undefined);
    const place = { origin: wire.origin, bucket: "bucket", name: "object" };
    const problem = await upload(place);
    const { requests, sent, received } = wire;
    if (requests !== gcs.requests.length) {
      throw new Error(`${requests} requests passed, the emulator has seen ${gcs.requests.length}`);
    }
    const wasHit = gcs.requests.filter((request) => request.fault !== null).length;
    if (problem === null && wasHit !== (fault === "none" ? 0 : 1)) {
      throw new Error(`${fault} has hit ${wasHit} times`);
    }
    const kinds: Record<string, number> = {};
    for (const { kind } of gcs.requests) kinds[kind] = (kinds[kind] ?? 0) + 1;
    const failed = problem === null ? difference(gcs, place, expected) : short(problem);
    return { requests, kinds, sent, received, failed };
  } finally {
    await server.close();
  }
}

/** The request with its body read to the end, so that an error comes in place of the reply, and not before. */
async function read(init: RequestInit | undefined): Promise<RequestInit | undefined> {
  return init?.body ? { ...init, body: await new Response(init.body).bytes() } : init;
}

/** What is wrong with the stored object. */
function difference(gcs: GcsEmulator, { bucket, name }: Place, expected: Expected): string | null {
  const object = gcs.get(bucket, name);
  if (!object) return "nothing is stored";
  if (object.size !== expected.size) return `${object.size} bytes are stored`;
  return object.resource.crc32c === expected.crc32c ? null : "other bytes are stored";
}

/** A message on one line, without addresses, which are others each time. */
function short(message: string): string {
  const line = message.replaceAll(/\s+/g, " ").replaceAll(/http:\S+/g, "…");
  return line.length > 80 ? `${line.slice(0, 79)}…` : line;
}
