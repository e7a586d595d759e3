// Our client against Google's reference server for X-Goog-Upload, the resumable upload service of gapic-showcase, where
// GAPIC_SHOWCASE_URL names one (http://127.0.0.1:7469 for example), and against the emulator, which has the same scenarios.

import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  cancelUpload,
  type Checkpoint,
  createUploadSession,
  json,
  ResumableUpload,
  type Transport,
  upload,
  UploadError,
  type UploadSettings,
  type UploadSource,
  uploadStream,
  xGoogUpload,
} from "../../mod.ts";
import { serveEmulator } from "../../src/emulator/serve.ts";
import { GcsEmulator } from "../../src/emulator/mod.ts";
import { asyncPieces, patterned, pieces } from "../support/bytes.ts";

const U = 262_144;
const DATA = patterned(5 * U + 1_234);

/** What the server answers with: it keeps no bytes, and tells their number. */
interface Stored {
  readonly name: string;
  readonly size: number | string;
}

/** A scenario as the headers of a start ask for it. */
function scenario(name: string, config: Record<string, unknown> = {}): Record<string, string> {
  return {
    "x-goog-test-scenario": name,
    "x-goog-test-scenario-config": JSON.stringify({ client_uuid: crypto.randomUUID(), ...config }),
  };
}

/** An upload to a server. */
type Put = (source: UploadSource, options?: UploadSettings<Stored>) => Promise<Stored>;

/** What a case is given. */
interface Server {
  readonly url: string;
  readonly put: Put;
  /** The command of every request since the case began. */
  readonly commands: readonly string[];
  readonly transport: Transport;
}

/** The server at an origin, whose requests are noted. */
function serverAt(origin: string): Server {
  const url = `${origin}/resumable/upload/v1beta1/files:upload`;
  const commands: string[] = [];
  const transport: Transport = (input, init) => {
    commands.push(new Headers(init.headers).get("x-goog-upload-command") ?? "none");
    return fetch(input, init);
  };
  const put: Put = (source, options) =>
    upload<Stored>(source, {
      url,
      protocol: xGoogUpload,
      resource: json<Stored>(),
      transport,
      chunkSize: U,
      retry: { initialDelay: 1, maxDelay: 5, maxAttempts: 10 },
      ...options,
    });
  return { url, put, commands, transport };
}

const sizeOf = ({ size }: Stored) => Number(size);

const CASES: Readonly<Record<string, (server: Server) => Promise<void>>> = {
  async "all sizes around a chunk"({ put }) {
    for (const size of [0, 1, U - 1, U, U + 1, 2 * U, DATA.length]) {
      assertEquals(sizeOf(await put(DATA.slice(0, size))), size);
      const stream = asyncPieces(pieces(DATA.slice(0, size), 70_001));
      assertEquals(sizeOf(await put(stream)), size);
    }
  },
  async "a stream to write into, of whole chunks"({ url, transport }) {
    const options = {
      url,
      transport,
      protocol: xGoogUpload,
      resource: json<Stored>(),
      chunkSize: U,
    };
    const { writable, result } = uploadStream(options);
    await ReadableStream.from(pieces(DATA.slice(0, 2 * U), 99_999)).pipeTo(writable);
    assertEquals(sizeOf(await result), 2 * U);
  },
  async "non_fatal_error_on_start"({ put, commands }) {
    for (const error_code of [429, 499, 500, 503, 504]) {
      const before = commands.length;
      const startHeaders = scenario("non_fatal_error_on_start", { error_code, failure_count: 2 });
      assertEquals(sizeOf(await put(DATA, { startHeaders })), DATA.length);
      const starts = commands.slice(before).filter((command) => command === "start");
      assertEquals(starts.length, 3, `${error_code}`);
    }
  },
  async "fatal_error_on_start"({ put, commands }) {
    const startHeaders = scenario("fatal_error_on_start", { error_code: 403 });
    const error = await assertRejects(() => put(DATA, { startHeaders }), UploadError);
    assertEquals([error.code, commands.length], ["rejected", 1]);
  },
  async "non_fatal_error_on_chunk_upload"({ put, commands }) {
    for (const error_code of [400, 409, 412, 429, 499, 500, 503, 504]) {
      const startHeaders = scenario("non_fatal_error_on_chunk_upload", {
        error_code,
        failure_count: 2,
        after_offset: U,
      });
      const before = commands.length;
      assertEquals(sizeOf(await put(DATA, { startHeaders })), DATA.length, `${error_code}`);
      assert(commands.slice(before).includes("query"), `${error_code}: asked`);
    }
  },
  async "non_fatal_error_on_chunk_upload that terminates"({ put }) {
    const startHeaders = scenario("non_fatal_error_on_chunk_upload", {
      failure_count: 1,
      action_after_failures: "terminate",
    });
    const error = await assertRejects(() => put(DATA, { startHeaders }), UploadError);
    assertEquals(error.code, "unavailable");
  },
  async "non_fatal_error_on_query"({ put, url, transport, commands }) {
    const startHeaders = scenario("non_fatal_error_on_query", { failure_count: 2 });
    const session = await createUploadSession({
      url,
      transport,
      protocol: xGoogUpload,
      startHeaders,
    });
    const before = commands.length;
    assertEquals(sizeOf(await putTo(session.url, put)), DATA.length);
    assertEquals(commands.slice(before, before + 3), ["query", "query", "query"]);
  },
  async "chunk_granularity"({ put, url, transport }) {
    const startHeaders = scenario("chunk_granularity");
    assertEquals(sizeOf(await put(DATA, { startHeaders })), DATA.length);
    const options = { url, transport, protocol: xGoogUpload, startHeaders };
    const { granularity } = await createUploadSession(options);
    assert(granularity > 1 && granularity < U, `${granularity}`);
  },
  async "a lost final reply"({ put, transport }) {
    let lost = false;
    const losing: Transport = async (input, init) => {
      const reply = await transport(input, init);
      const command = new Headers(init.headers).get("x-goog-upload-command") ?? "";
      if (lost || !command.includes("finalize")) return reply;
      lost = true;
      await reply.body?.cancel();
      throw new TypeError("The reply was lost");
    };
    assertEquals(sizeOf(await put(DATA, { transport: losing })), DATA.length);
    assert(lost);
  },
  async "a checkpoint, taken up from a second start of the program"({ put }) {
    let saved = "";
    const stopped = put(DATA, {
      onCheckpoint(checkpoint) {
        saved = JSON.stringify(checkpoint);
        if (checkpoint.persisted >= 2 * U) throw new Error("enough");
      },
    });
    await assertRejects(() => stopped, Error, "enough");
    const checkpoint: Checkpoint = JSON.parse(saved);
    const again = { checkpoint, url: undefined, startHeaders: undefined };
    assertEquals(sizeOf(await put(DATA, again as UploadSettings<Stored>)), DATA.length);
  },
  async "a session that is handed over, and attached to"({ put, url, transport, commands }) {
    const { url: session } = await createUploadSession({ url, transport, protocol: xGoogUpload });
    const attached = ResumableUpload.attach<unknown>(session, DATA, {
      protocol: xGoogUpload,
      chunkSize: U,
    });
    await attached.transmitNextChunk(transport);
    assertEquals(commands, ["start", "query", "upload"]);
    assertEquals(sizeOf(await putTo(session, put)), DATA.length);
  },
  async "a cancelled session takes no more"({ put, url, transport }) {
    const { url: session } = await createUploadSession({ url, transport, protocol: xGoogUpload });
    await cancelUpload(session, { transport, protocol: xGoogUpload });
    const error = await assertRejects(() => putTo(session, put), UploadError);
    assert(["session_cancelled", "session_gone"].includes(error.code), error.code);
  },
};

/** Uploads to a session that was opened before. */
function putTo(session: string, put: Put): Promise<Stored> {
  return put(DATA, { session, url: undefined } as unknown as UploadSettings<Stored>);
}

async function runAll(test: Deno.TestContext, origin: string): Promise<void> {
  for (const [what, run] of Object.entries(CASES)) {
    await test.step(what, () => run(serverAt(origin)));
  }
}

Deno.test("our client uploads to Google's reference server for X-Goog-Upload", async (test) => {
  const origin = Deno.env.get("GAPIC_SHOWCASE_URL")?.replace(/\/+$/, "");
  if (!origin) return console.log("skipped: GAPIC_SHOWCASE_URL names no server");
  await runAll(test, origin);
});

Deno.test("our client uploads to the emulator under the same scenarios", async (test) => {
  const server = await serveEmulator(new GcsEmulator({ md5: false }));
  try {
    await runAll(test, server.origin);
  } finally {
    await server.close();
  }
});
