// Parallel uploads of ours to S3 servers of other people, with a transport that signs: what they get right of multipart uploads.

import { assertEquals, assertRejects } from "@std/assert";
import { UploadError } from "../../mod.ts";
import {
  type ParallelCheckpoint,
  uploadParallel,
  XmlMultipartContainer,
  XmlMultipartPart,
} from "../../src/parallel/mod.ts";
import { difference } from "../e2e/support.ts";
import { asyncPieces, patterned, pieces } from "../support/bytes.ts";
import { installPackages, type S3Server, s3Servers } from "./s3_servers.ts";

const PART = 5 * 1024 * 1024;
const DATA = patterned(2 * PART + 1_234_567);
const NAME = "dir/a file ü.bin";

/** What is needed of aws4fetch. */
interface Aws4fetch {
  AwsClient: new (options: Record<string, unknown>) => {
    sign(url: string, init: RequestInit): Promise<Request>;
  };
}

type Transport = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

/** A `fetch` that signs what it sends. S3 takes nothing without a length, so a body is read before it is sent. */
async function signing({ credentials }: S3Server): Promise<Transport> {
  const folder = new URL("s3/node_modules/aws4fetch/dist/aws4fetch.esm.mjs", import.meta.url);
  const { AwsClient } = await import(folder.href) as Aws4fetch;
  const aws = new AwsClient({ ...credentials, service: "s3", region: "us-east-1", retries: 0 });
  return async (input, init = {}) => {
    const { method = "GET", headers, signal } = init;
    const body = init.body == null
      ? undefined
      : new Uint8Array(await new Response(init.body).arrayBuffer());
    const wanted = { method, headers: headers ?? {}, ...(body && { body }) };
    const signed = await aws.sign(String(input), wanted);
    return await fetch(signed.url, {
      method,
      headers: signed.headers,
      ...(body ? { body } : {}),
      ...(signal ? { signal } : {}),
    });
  };
}

/** A server with what the cases need of it. */
interface Place {
  readonly server: S3Server;
  readonly transport: Transport;
  /** Which requests were sent: method and query, without what is secret or differs. */
  readonly sent: string[];
  /** Fails requests that it picks. */
  fails: (method: string, url: URL) => boolean;
}

const urlOf = ({ server }: Place, name = NAME) =>
  `${server.url}/${server.bucket}/${name.split("/").map(encodeURIComponent).join("/")}`;

async function stored(place: Place): Promise<Uint8Array> {
  const reply = await place.transport(urlOf(place));
  const bytes = new Uint8Array(await reply.arrayBuffer());
  return reply.ok ? bytes : new Uint8Array();
}

/** How many uploads are not finished; `null` where the server cannot tell. */
async function unfinished(place: Place): Promise<number | null> {
  const { url, bucket } = place.server;
  const reply = await place.transport(`${url}/${bucket}?uploads`);
  if (reply.status === 501) {
    await reply.body?.cancel();
    return null;
  }
  assertEquals(reply.status, 200);
  return [...(await reply.text()).matchAll(/<UploadId>/g)].length;
}

const options = (place: Place) => ({
  bucket: place.server.bucket,
  name: NAME,
  endpoint: place.server.url,
  transport: place.transport,
  partSize: PART,
  concurrency: 3,
  contentType: "image/png",
  metadata: { metadata: { by: "me" } },
  retry: { initialDelay: 1, maxDelay: 10 },
});

/** A case, for each server. */
interface Case {
  readonly rule: string;
  /** Servers that do not list parts as S3 does. */
  readonly except?: readonly string[];
  run(place: Place): Promise<void>;
}

const cases: readonly Case[] = [
  {
    rule: "bytes that can be read anywhere arrive in parts",
    async run(place) {
      const object = await uploadParallel(DATA, options(place));
      assertEquals([object.name, object.size], [NAME, String(DATA.length)]);
      assertEquals(difference(await stored(place), DATA), -1);
    },
  },
  {
    rule: "a stream of unknown size arrives in parts",
    async run(place) {
      const object = await uploadParallel(asyncPieces(pieces(DATA, 700_000)), options(place));
      assertEquals(object.size, String(DATA.length));
      assertEquals(difference(await stored(place), DATA), -1);
    },
  },
  {
    rule: "parts that fail on the way are sent again",
    async run(place) {
      let failures = 3;
      place.fails = (method, url) => method === "PUT" && url.search !== "" && failures-- > 0;
      await uploadParallel(DATA, options(place));
      assertEquals(difference(await stored(place), DATA), -1);
    },
  },
  {
    rule:
      "an upload that was interrupted goes on from its checkpoint, with the parts that are stored",
    // moto calls the list by another name, and s3rver has none.
    except: ["moto", "s3rver"],
    async run(place) {
      let checkpoint: ParallelCheckpoint | undefined;
      const onCheckpoint = (next: ParallelCheckpoint) => void (checkpoint = next);
      place.fails = (method, url) => method === "PUT" && url.searchParams.get("partNumber") === "3";
      const first = { ...options(place), onCheckpoint, concurrency: 1, retry: false as const };
      await assertRejects(() => uploadParallel(DATA, first), UploadError);
      assertEquals(await unfinished(place), 1);
      place.fails = () => false;
      place.sent.length = 0;
      const again = JSON.parse(JSON.stringify(checkpoint)) as ParallelCheckpoint;
      await uploadParallel(DATA, { ...options(place), checkpoint: again });
      assertEquals(difference(await stored(place), DATA), -1);
      const parts = place.sent.filter((line) => line.startsWith("PUT"));
      assertEquals(parts.every((line) => line.includes("partNumber=3")), true, parts.join());
      assertEquals(await unfinished(place), 0);
    },
  },
  {
    rule: "an upload that fails leaves neither an object nor parts",
    async run(place) {
      place.fails = (method, url) => method === "PUT" && url.searchParams.get("partNumber") === "2";
      const once = { ...options(place), retry: false as const };
      await assertRejects(() => uploadParallel(DATA, once), UploadError);
      assertEquals([await unfinished(place) ?? 0, (await stored(place)).length], [0, 0]);
    },
  },
  {
    rule: "the two classes upload parts, replace one, and make the object",
    async run(place) {
      const url = urlOf(place);
      const container = new XmlMultipartContainer(url);
      await container.initiate(place.transport, "image/png");
      const id = container.uploadId!;
      const ranges = [[0, PART], [PART, 2 * PART], [2 * PART, DATA.length]];
      const wrong = new XmlMultipartPart(url, id, DATA.map((byte) => byte ^ 1), 0, PART, 1);
      await wrong.upload(place.transport);
      for (const [index, [start, end]] of ranges.entries()) {
        const part = new XmlMultipartPart(url, id, DATA, start, end, index + 1);
        await part.upload(place.transport);
        container.registerPart(part.partNumber, part.etag!, part);
      }
      await container.finalize(place.transport);
      assertEquals(difference(await stored(place), DATA), -1);
    },
  },
];

const { programs, reasons } = await s3Servers();
for (const reason of reasons) console.log(`not run, for want of ${reason}`);
if (programs.length > 0) await installPackages();

for (const program of programs) {
  for (const { rule, except, run } of cases) {
    if (except?.includes(program.name)) continue;
    Deno.test(`${program.name}: ${rule}`, async () => {
      const server = await program.start();
      try {
        const signed = await signing(server);
        const sent: string[] = [];
        const place: Place = {
          server,
          sent,
          fails: () => false,
          async transport(input, init) {
            const url = new URL(String(input));
            const method = init?.method ?? "GET";
            if (place.fails(method, url)) throw new TypeError("fetch failed: by the test");
            sent.push(`${method} ${url.search.replace(/uploadId=[^&]*/, "uploadId")}`);
            return await signed(input, init);
          },
        };
        await run(place);
      } finally {
        await server.stop();
      }
    });
  }
}
