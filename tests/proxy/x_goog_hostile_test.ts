// Hostile requests in the words of X-Goog-Upload: what holds after each is what holds after those of Google's protocol.

import { sessionSealer } from "../../src/proxy/session_token.ts";
import { attack, type Hostile, type Target } from "./hostile/case.ts";
import { bearer, inPieces, SESSION_SECRET, UPLOAD } from "./support.ts";
import { Q } from "./tus_support.ts";
import { begin, begun, command, sample } from "./x_goog_support.ts";

const last = (target: Target, url: string, body: BodyInit, headers = {}) =>
  command(target, url, "upload, finalize", { offset: 0, body, headers });

/** A session that nobody has started, or that has changed since. */
async function forged(session: Record<string, unknown>): Promise<string> {
  const token = await sessionSealer([SESSION_SECRET]).seal({
    target: "/upload/storage/v1/b/my-bucket/o?upload_id=x",
    bucket: "my-bucket",
    maxBytes: 10,
    size: undefined,
    expires: 9e9,
    ...session,
  });
  return `${UPLOAD}?upload_id=${token}`;
}

const cases: readonly Hostile[] = [
  {
    attack: "a session of nobody",
    answer: "404 notFound",
    run: (target) => command(target, `${UPLOAD}?upload_id=e30..AAAA.AAAA.AAAA`, "query"),
  },
  {
    attack: "an expired session",
    answer: "410 gone",
    run: async (target) => await command(target, await forged({ expires: 1e9 }), "query"),
  },
  {
    attack: "a session of a backend that is not there",
    answer: "404 notFound",
    run: async (target) => await command(target, await forged({ backend: "gemini" }), "query"),
  },
  {
    attack: "a session's token twice",
    answer: "404 notFound",
    google: "start",
    run: async (target) => {
      const url = await begun(target);
      const token = new URL(url).searchParams.get("upload_id");
      return await command(target, `${url}&upload_id=${token}`, "query");
    },
  },
  {
    attack: "a bucket that is closed by now",
    answer: "403 forbidden",
    options: { buckets: ["my-bucket"] },
    run: async (target) => await command(target, await forged({ bucket: "other" }), "cancel"),
  },
  {
    attack: "no ticket",
    answer: "401 authError",
    run: (target) => begin(target, { grant: null }),
  },
  {
    attack: "a ticket as a key, broken",
    answer: "401 authError",
    run: async (target) => {
      const ticket = (await bearer()).replace("Bearer ", "");
      const headers = { "x-goog-api-key": `${ticket.slice(0, -4)}AAAA` };
      return await begin(target, { grant: null, headers });
    },
  },
  {
    attack: "a good ticket as a key beside a bad one",
    answer: "401 authError",
    run: async (target) => {
      const key = (await bearer()).replace("Bearer ", "");
      const headers = { "x-goog-api-key": key, authorization: "Bearer no" };
      return await begin(target, { grant: null, headers });
    },
  },
  {
    attack: "another name than the ticket's",
    answer: "403 forbidden",
    run: (target) => begin(target, { grant: { name: "b" } }),
  },
  {
    attack: "metadata without end",
    answer: "413 uploadTooLarge",
    run: async (target) =>
      await command(target, `${UPLOAD}?name=a`, "start", {
        headers: { "x-goog-upload-protocol": "resumable", authorization: await bearer() },
        body: inPieces(new Uint8Array(100_000).fill(32), 1000),
      }),
  },
  {
    attack: "a command of 100 KiB",
    answer: "400 invalid",
    google: "start",
    run: async (target) => await command(target, await begun(target), "upload,".repeat(15_000)),
  },
  {
    attack: "a size of 100 digits",
    answer: "400 invalid",
    run: (target) =>
      begin(target, { headers: { "x-goog-upload-header-content-length": "9".repeat(100) } }),
  },
  {
    attack: "a media type with a line break in its parameters",
    answer: "400 invalid",
    run: (target) =>
      begin(target, {
        headers: { "x-goog-upload-header-content-type": "text/plain; a=\u00a0b c" },
      }),
  },
  {
    attack: "Google's fault scenarios",
    answer: "200",
    google: "start",
    run: (target) => begin(target, { headers: { "x-goog-test-scenario": "fatal_error_on_start" } }),
  },
  {
    attack: "custom metadata as headers of the last bytes",
    answer: "200",
    google: "start, chunk",
    stored: "a (5)",
    run: async (target) =>
      await last(target, await begun(target), sample(5), { "x-goog-meta-admin": "yes" }),
  },
  {
    attack: "more bytes than a body of unknown length may have",
    answer: "413 uploadTooLarge",
    google: "start",
    run: async (target) => {
      const url = await begun(target, { grant: { prefix: "", maxBytes: 10 } });
      return await last(target, url, inPieces(sample(11), 4));
    },
  },
  {
    attack: "more bytes than a request may have, of unknown length",
    answer: "413 uploadTooLarge",
    google: "start",
    options: { maxChunkBytes: Q },
    run: async (target) => await last(target, await begun(target), inPieces(sample(Q + 1), 10_000)),
  },
  {
    attack: "crumbs",
    answer: "400 invalid",
    google: "start",
    run: async (target) => await last(target, await begun(target), inPieces(sample(200_000), 1)),
  },
  {
    attack: "an end below the fewest bytes",
    answer: "400 invalid",
    google: "start",
    run: async (target) => {
      const url = await begun(target, { grant: { prefix: "", minBytes: 6 } });
      return await last(target, url, sample(5));
    },
  },
  {
    attack: "an end without the checksum that the ticket wants",
    answer: "400 required",
    google: "start",
    run: async (target) => {
      const url = await begun(target, { grant: { prefix: "", requireChecksum: true } });
      return await last(target, url, sample(5));
    },
  },
  {
    attack: "raw where the ticket wants a checksum",
    answer: "400 required",
    run: async (target) =>
      await target.proxy.fetch(
        new Request(`${UPLOAD}?name=a`, {
          method: "POST",
          headers: {
            "x-goog-upload-protocol": "raw",
            authorization: await bearer({ prefix: "", requireChecksum: true }),
          },
          body: "hello",
        }),
      ),
  },
];

for (const hostile of cases) {
  Deno.test(`X-Goog-Upload: ${hostile.attack}: ${hostile.answer}, no secret, nothing that is not allowed`, () =>
    attack(hostile));
}
