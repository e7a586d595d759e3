// A start that was redirected: its Location is relative to where the reply came from.

import { ResumableUpload, type Transport, upload } from "../../../mod.ts";
import { GcsEmulator } from "../../../src/emulator/mod.ts";
import { assertEquals } from "../assert.ts";
import type { PortableCase } from "../case.ts";
import { changing, failureOf, settled } from "./sources_support.ts";
import { assertStored, BUCKET, CHUNK, finish, pattern, testClock } from "./upload_support.ts";

const bytes = pattern(CHUNK + 1_000);
const A = "https://a.example/start/o?uploadType=resumable&name=object";
const PATH = `/upload/storage/v1/b/${BUCKET}/o`;

/** Where the reply to the start came from, what it says, and where the session is then. */
const LOCATIONS: readonly [replied: string, location: (id: string) => string, expected: string][] =
  [
    [`https://b.example${PATH}?x=1`, (id) => `?upload_id=${id}`, `https://b.example${PATH}`],
    [`https://b.example${PATH}`, (id) => `o?upload_id=${id}`, `https://b.example${PATH}`],
    ["https://b.example/x/y/z", (id) => `${PATH}?upload_id=${id}`, `https://b.example${PATH}`],
    ["https://b.example/x/y/z", (id) => `../s?upload_id=${id}`, "https://b.example/x/s"],
    ["https://b.example/x", (id) => `//c.example/s?upload_id=${id}`, "https://c.example/s"],
    ["https://b.example/x", (id) => `https://d.example/s?upload_id=${id}`, "https://d.example/s"],
    ["", (id) => `s?upload_id=${id}`, "https://a.example/start/s"], // a transport that does not say
    [A, (id) => `s?upload_id=${id}`, "https://a.example/start/s"],
  ];

/** Hands every request to the emulator's only session, and notes where it was to go. */
function elsewhere(
  gcs: GcsEmulator,
  replied: string,
  location: (id: string) => string,
): { transport: Transport; urls: string[] } {
  const urls: string[] = [];
  let session = "";
  const transport: Transport = async (input, init) => {
    if (init.method !== "POST") {
      urls.push(input);
      return await gcs.fetch(session, init);
    }
    const start = `https://storage.googleapis.com${PATH}?uploadType=resumable&name=object`;
    const reply = await gcs.fetch(start, init);
    session = reply.headers.get("location")!;
    const id = new URL(session).searchParams.get("upload_id")!;
    const moved = new Response(null, { headers: { location: location(id) } });
    return Object.defineProperty(moved, "url", { value: replied });
  };
  return { transport, urls };
}

/** Redirected starts. */
export const finishRedirect: PortableCase[] = [
  ...LOCATIONS.map(([replied, location, expected]): PortableCase => ({
    name: `a start at ${replied || "an unknown place"} that says ${
      location("…")
    } has its session at ${expected}`,
    async run() {
      const gcs = new GcsEmulator();
      const { transport, urls } = elsewhere(gcs, replied, location);
      await settled(
        upload(bytes, { url: A, transport, chunkSize: CHUNK, retry: { clock: testClock() } }),
        "upload()",
      );
      assertStored(gcs, bytes);
      assertEquals([...new Set(urls.map((url) => url.split("?")[0]))], [expected]);
      const single = elsewhere(new GcsEmulator(), replied, location);
      const resumable = new ResumableUpload(A, CHUNK);
      await resumable.initiate(single.transport, bytes, {}, "a/b");
      assertEquals(resumable.resumableUrl?.split("?")[0], expected, "resumableUrl");
      assertEquals(resumable.checkpoint().sessionUrl.split("?")[0], expected, "the checkpoint");
      await settled(finish(resumable, single.transport), "the upload");
    },
  })),
  {
    name: "a redirect never leads a secure upload to a session without encryption",
    async run() {
      for (
        const [replied, location] of [
          ["http://b.example/x", "s?upload_id=5"],
          ["https://b.example/x", "http://b.example/s?upload_id=5"],
          ["https://b.example/x", "data:text/plain,5"],
        ]
      ) {
        const gcs = new GcsEmulator();
        let requests = 0;
        const transport = changing(gcs.fetch, () => {
          requests++;
          const moved = new Response(null, { headers: { location } });
          return Object.defineProperty(moved, "url", { value: replied });
        });
        const resumable = new ResumableUpload(A, CHUNK, { retry: { clock: testClock() } });
        const error = await failureOf(() => resumable.initiate(transport, bytes, {}, "a/b"));
        assertEquals((error as { code?: string } | undefined)?.code, "invalid_response", location);
        assertEquals(requests, 1);
      }
    },
  },
];
