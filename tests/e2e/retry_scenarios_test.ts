// Google's published retry scenarios for client libraries, as far as uploads go: what is retried, and what is not.
// https://github.com/googleapis/conformance-tests/tree/main/storage/v1

import { assertEquals } from "@std/assert";
import { serveEmulator } from "../../src/emulator/serve.ts";
import { MultipartUpload, SimpleUpload, upload, UploadError } from "../../mod.ts";
import { GcsEmulator } from "../../src/emulator/mod.ts";
import { difference, pattern } from "./support.ts";

const MIB = 1024 * 1024;
const SMALL = pattern(300_000);
const LARGE = pattern(17 * MIB);
const LIMITS = { retry: { initialDelay: 1, maxDelay: 5, maxAttempts: 4 } };

/** The headers that name the scenario, and where to send to. */
interface Place {
  readonly endpoint: string;
  readonly headers: Record<string, string>;
}

/** A way to upload. */
interface Way {
  readonly bytes: Uint8Array<ArrayBuffer>;
  send(place: Place): Promise<unknown>;
}

const target = { bucket: "bucket", name: "object", ...LIMITS };
const insert = ({ endpoint }: Place, type: string) =>
  `${endpoint}/upload/storage/v1/b/bucket/o?uploadType=${type}&name=object`;

const session = (bytes: Uint8Array<ArrayBuffer>, chunkSize = 8 * MIB): Way => ({
  bytes,
  send: (place) => upload(bytes, { ...target, ...place, chunkSize }),
});

const WAYS = {
  "a session": session(SMALL),
  "a session, large": session(LARGE),
  "a session, large, one request": session(LARGE, 32 * MIB),
  "one request, with a precondition": {
    bytes: SMALL,
    send: (place) => upload(SMALL, { ...target, ...place, ifGenerationMatch: 0 }),
  },
  "a multipart upload, without a precondition": {
    bytes: SMALL,
    send: (place) =>
      new MultipartUpload(insert(place, "multipart"), { ...LIMITS, headers: place.headers })
        .transmit(fetch, SMALL, { name: "object" }, "text/plain"),
  },
  "a simple upload, without a precondition": {
    bytes: SMALL,
    send: (place) =>
      new SimpleUpload(insert(place, "media"), { ...LIMITS, headers: place.headers })
        .transmit(fetch, SMALL, "text/plain"),
  },
} satisfies Record<string, Way>;

type WayName = keyof typeof WAYS;
const SESSIONS: WayName[] = ["a session", "a session, large"];
const SAFE: WayName[] = [...SESSIONS, "one request, with a precondition"];
const UNSAFE: WayName[] = [
  "a multipart upload, without a precondition",
  "a simple upload, without a precondition",
];

interface Scenario {
  readonly rule: string;
  readonly instructions: string[];
  readonly ways: WayName[];
  /** `stored`, or the code of the error. */
  readonly expected: string;
  /**
   * What the requests got, where that is the point; `-` is a connection that broke, `200*` what a streamed request gets in
   * place of a 308.
   */
  readonly requests?: string;
}

const reset = "return-reset-connection";

const SCENARIOS: Scenario[] = [
  ...[["return-503", "return-503"], [reset, reset], [reset, "return-503"]].map((instructions) => ({
    rule: "idempotent: retried",
    instructions,
    ways: SAFE,
    expected: "stored",
  })),
  {
    rule: "conditionally idempotent, without a precondition: not retried",
    instructions: ["return-503"],
    ways: UNSAFE,
    expected: "unavailable",
    requests: "503",
  },
  {
    rule: "conditionally idempotent, without a precondition: not retried",
    instructions: [reset],
    ways: UNSAFE,
    expected: "transport_failed",
    requests: "-",
  },
  ...["400", "401"].map((status) => ({
    rule: "a final status: not retried",
    instructions: [`return-${status}`],
    ways: [...SAFE, ...UNSAFE],
    expected: "rejected",
    requests: status,
  })),
  {
    rule: "a final status after one that is not",
    instructions: ["return-503", "return-400"],
    ways: SAFE,
    expected: "rejected",
    requests: "503 400",
  },
  {
    rule: "a final status after one that is not",
    instructions: [reset, "return-401"],
    ways: SAFE,
    expected: "rejected",
    requests: "- 401",
  },
  ...[[reset, "return-503"], ["return-408"], ["return-503-after-256K"]].map((instructions) => ({
    rule: "resumable: goes on where the server is",
    instructions,
    ways: SESSIONS,
    expected: "stored",
  })),
  {
    rule: "resumable: goes on where the server is",
    instructions: ["return-503-after-256K"],
    ways: ["a session, large, one request"],
    expected: "stored",
    requests: "200 503 308 200* 200",
  },
  {
    rule: "resumable: a failure behind 8 MiB, and another one",
    instructions: ["return-503-after-8192K", "return-408"],
    ways: ["a session, large"],
    expected: "stored",
    requests: "200 503 408 308 200* 200",
  },
  {
    rule: "resumable: a failure behind 8 MiB, and another one",
    instructions: ["return-503-after-8192K", "return-408"],
    ways: ["a session, large, one request"],
    expected: "stored",
    requests: "200 503 408 308 200* 200",
  },
  {
    rule: "resumable: a stall is waited for",
    instructions: ["stall-for-1s-after-256K"],
    ways: ["a session"],
    expected: "stored",
    requests: "200 200",
  },
  {
    rule: "resumable: stored, and the reply breaks",
    instructions: ["return-broken-stream"],
    ways: SESSIONS,
    expected: "stored",
  },
  ...[0, 10].map((bytes) => ({
    rule: "resumable: a success without an object is no proof",
    instructions: [`return-broken-stream-final-chunk-after-${bytes}B`],
    ways: SESSIONS,
    expected: "stored",
  })),
];

for (const { rule, instructions, ways, expected, requests } of SCENARIOS) {
  for (const way of ways) {
    Deno.test(`${rule}: ${instructions.join(", ")} (${way})`, async () => {
      const gcs = new GcsEmulator({ md5: false });
      const server = await serveEmulator(gcs);
      try {
        const endpoint = server.origin;
        const id = await create(endpoint, instructions);
        const place = { endpoint, headers: { "x-retry-test-id": id } };
        const outcome = await WAYS[way].send(place).then(() => "stored", codeOf);
        assertEquals(outcome, expected);
        assertEquals(await left(endpoint, id), []);
        if (requests !== undefined) {
          const got = gcs.requests.map(({ status, kind }) =>
            status === 200 && kind === "chunk" ? "200*" : status ?? "-"
          );
          assertEquals(got.join(" "), requests);
        }
        const object = gcs.get("bucket", "object")?.bytes;
        const stored = object && difference(object, WAYS[way].bytes) === -1;
        assertEquals(stored ?? false, expected === "stored");
      } finally {
        await server.close();
      }
    });
  }
}

async function create(endpoint: string, instructions: string[]): Promise<string> {
  const test = { instructions: { "storage.objects.insert": instructions }, transport: "HTTP" };
  const reply = await fetch(`${endpoint}/retry_test`, {
    method: "POST",
    body: JSON.stringify(test),
  });
  return (await reply.json()).id;
}

async function left(endpoint: string, id: string): Promise<string[]> {
  const test = await (await fetch(`${endpoint}/retry_test/${id}`)).json();
  return test.instructions["storage.objects.insert"];
}

function codeOf(error: unknown): string {
  if (error instanceof UploadError) return error.code;
  throw error;
}
