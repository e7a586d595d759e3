// Starts that are redirected by a real server, with the runtime's own fetch.

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { ResumableUpload, upload } from "../../../mod.ts";
import { GcsEmulator } from "../../../src/emulator/mod.ts";
import { assertEquals } from "../../portable/assert.ts";
import { settled } from "../../portable/cases/sources_support.ts";
import {
  assertStored,
  BUCKET,
  CHUNK,
  finish,
  pattern,
  testClock,
} from "../../portable/cases/upload_support.ts";
import type { NodeCase } from "../suite.ts";

const bytes = pattern(CHUNK + 1_000);

async function listen(answer: (request: IncomingMessage, response: ServerResponse) => void) {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** A server that answers for an emulator, and says where a session is by a relative URL; notes what it was sent. */
async function relative(gcs: GcsEmulator) {
  const paths: string[] = [];
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const pieces: Uint8Array[] = [];
    for await (const piece of request) pieces.push(piece);
    paths.push(`${request.method} ${request.url!.split("?")[0]}`);
    const headers = new Headers();
    for (const [name, value] of Object.entries(request.headers)) headers.set(name, String(value));
    const path = request.url!.replace("/moved/", "/upload/storage/v1/");
    const reply = await gcs.fetch(`http://gcs.example${path}`, {
      method: request.method ?? "GET",
      headers,
      body: pieces.length > 0 ? new Blob(pieces as Uint8Array<ArrayBuffer>[]) : null,
    });
    const location = reply.headers.get("location");
    if (location) reply.headers.set("location", `o${new URL(location).search}`);
    response.writeHead(reply.status, Object.fromEntries(reply.headers));
    response.end(new Uint8Array(await reply.arrayBuffer()));
  };
  const server = await listen((request, response) => void answer(request, response));
  return { ...server, paths };
}

/** Redirects, which keep the method and the body. */
export const redirects: NodeCase[] = [307, 308].flatMap((status): NodeCase[] => [
  {
    name: `the body of a start survives a ${status} to another server, whose Location is relative`,
    async run() {
      const gcs = new GcsEmulator({ md5: false });
      const b = await relative(gcs);
      let sent = 0;
      const a = await listen((request, response) => {
        sent++;
        request.resume();
        const location = request.url!.replace("/upload/storage/v1/", "/moved/");
        response.writeHead(status, { location: `${b.origin}${location}` }).end();
      });
      try {
        const metadata = { cacheControl: "no-store", metadata: { language: "Français 🌍" } };
        const object = await settled(
          upload(bytes, {
            bucket: BUCKET,
            name: "object",
            endpoint: a.origin,
            chunkSize: CHUNK,
            contentType: "image/png",
            metadata,
            transport: (input, init) => fetch(input, init),
            retry: { clock: testClock() },
          }),
          "upload()",
        );
        assertStored(gcs, bytes);
        assertEquals([object.contentType, object.cacheControl], ["image/png", "no-store"]);
        assertEquals(object.metadata, metadata.metadata);
        assertEquals(sent, 1, "the requests to the first server");
        const path = `/moved/b/${BUCKET}/o`;
        assertEquals([...new Set(b.paths)], [`POST ${path}`, `PUT ${path}`]);
      } finally {
        a.close();
        b.close();
      }
    },
  },
  {
    name: `a class that is started through a ${status} has its session where the reply came from`,
    async run() {
      const gcs = new GcsEmulator({ md5: false });
      const b = await relative(gcs);
      const a = await listen((request, response) => {
        request.resume();
        response.writeHead(status, { location: `${b.origin}${request.url}` }).end();
      });
      try {
        const path = `/upload/storage/v1/b/${BUCKET}/o`;
        const url = `${a.origin}${path}?uploadType=resumable`;
        const resumable = new ResumableUpload(url, CHUNK, { retry: { clock: testClock() } });
        await resumable.initiate(fetch, new Blob([bytes]), { name: "object" }, "a/b");
        assertEquals(resumable.resumableUrl?.split("?")[0], `${b.origin}${path}`);
        await settled(finish(resumable, fetch), "the upload");
        assertStored(gcs, bytes);
      } finally {
        a.close();
        b.close();
      }
    },
  },
]);
