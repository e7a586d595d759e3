// The proxy on a server with Node, as its example runs it: whole uploads, interim replies, and clients that go away.

import { assert, assertEquals, assertMatch } from "@std/assert";
import { fileURLToPath } from "node:url";
import { serveEmulator } from "../../src/emulator/serve.ts";
import { upload } from "../../mod.ts";
import { GcsEmulator } from "../../src/emulator/mod.ts";
import { signUploadTicket } from "../../src/worker.ts";
import { difference } from "../e2e/support.ts";
import { assertStored, Q, sample } from "../proxy/resumable_http_support.ts";
import { output } from "../support/runtime_program.ts";
import { type ServerProcess, startServer } from "../support/server_process.ts";
import { connect, type RawClient } from "../worker/support/raw_client.ts";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const TICKET_SECRET = "a ticket secret of more than thirty-two bytes";

/** The example, as a server of its own, and the store behind it. */
interface Place {
  readonly server: ServerProcess;
  readonly gcs: GcsEmulator;
  readonly endpoint: string;
  /** `Authorization` for the object `a`. */
  readonly authorization: string;
}

async function withServer(use: (place: Place) => Promise<void>): Promise<void> {
  const gcs = new GcsEmulator();
  const google = await serveEmulator(gcs);
  const folder = await Deno.makeTempDir({ prefix: "node-proxy-" });
  try {
    const program = `${folder}/index.mjs`;
    const args = ["bundle", "--quiet", "--platform=deno", "--external", "node:*"];
    const entry = here("../../examples/node/index.ts");
    await output(Deno.execPath(), [...args, "--output", program, entry]);
    await using server = await startServer({
      command: ["node", program],
      cwd: folder,
      env: {
        PORT: "0",
        GOOGLE_AUTH: "none",
        GCS_ENDPOINT: google.origin,
        GCS_BUCKET: "my-bucket",
        SESSION_SECRET: "x3Qb0m1lq2cKf8uJ7nZtVY5wRk9sDhG4EoXpTaLiMBc",
        TICKET_SECRET,
        MAX_CHUNK_BYTES: String(16 * Q),
      },
      ready: /(http:\/\/[^\s/]+)/,
    });
    const ticket = await signUploadTicket(TICKET_SECRET, { name: "a", subject: "user-17" }, {
      expiresIn: 600,
    });
    await use({
      server,
      gcs,
      endpoint: `${server.origin}/upload/storage/v1/b/my-bucket/o`,
      authorization: `Bearer ${ticket}`,
    });
  } finally {
    await google.close();
    await Deno.remove(folder, { recursive: true });
  }
}

/** Waits until Google has read so many bytes of the request that stores them. */
async function arrived({ gcs }: Place): Promise<void> {
  for (let i = 0; i < 2000 && !gcs.requests.some(({ kind }) => kind === "final"); i++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** How much is stored, once the request that broke off is over. */
async function offsetOf(url: string): Promise<number> {
  const { status, headers } = await fetch(url, {
    method: "HEAD",
    headers: { "upload-draft-interop-version": "8" },
  });
  assertEquals(status, 204);
  return Number(headers.get("upload-offset"));
}

/** Starts an upload of all bytes on a connection, and gives what the interim reply says. */
async function begin(
  client: RawClient,
  { endpoint, authorization }: Place,
  version: number,
  framing: Record<string, string>,
) {
  await client.head("POST", endpoint, {
    authorization,
    "upload-draft-interop-version": String(version),
    ...(version === 3 ? { "upload-incomplete": "?0" } : { "upload-complete": "?1" }),
    ...framing,
  });
  const { status, headers } = await client.reply(true);
  assertEquals([status, headers.get("upload-draft-interop-version")], [104, String(version)]);
  return headers.get("location")!;
}

Deno.test("the example for Node", async (t) => {
  await withServer(async (place) => {
    const { server, gcs, endpoint, authorization } = place;
    const step = (name: string, run: () => Promise<void>, ignore = false) =>
      t.step({
        name,
        ignore,
        async fn() {
          gcs.reset();
          await run();
        },
      });

    await step("listens on this machine only", () => {
      assertEquals(new URL(server.origin).hostname, "127.0.0.1");
      return Promise.resolve();
    });

    await step("takes the uploads of this library", async () => {
      const bytes = sample(40 * Q + 5);
      const object = await upload(bytes, {
        url: `${endpoint}?uploadType=resumable&name=a`,
        headers: { authorization },
        chunkSize: 8 * Q,
      });
      assertEquals((object as { size?: unknown }).size, String(bytes.length));
      assertStored({ gcs }, bytes);
    });

    for (const version of [3, 6, 8]) {
      await step(
        `version ${version}: an upload of one request that breaks off goes on from where its 104 says`,
        async () => {
          const bytes = sample(8 * Q + 5);
          using client = await connect(endpoint);
          const location = await begin(client, place, version, {
            "content-length": String(bytes.length),
          });
          await client.write(bytes.subarray(0, 5 * Q + 7));
          await arrived(place);
          client.leave();
          let offset = await offsetOf(location);
          assert(offset <= 5 * Q && offset % Q === 0, `stored: ${offset}`);
          assertEquals(gcs.objects.length, 0);
          // The request that broke off may not be over yet: then its bytes are still counted.
          for (let attempt = 0, isOver = false; !isOver; attempt++) {
            assert(attempt < 50, "the upload does not end");
            const reply = await fetch(location, {
              method: "PATCH",
              headers: {
                "upload-draft-interop-version": String(version),
                "content-type": "application/partial-upload",
                "upload-offset": String(offset),
                ...(version === 3 ? { "upload-incomplete": "?0" } : { "upload-complete": "?1" }),
              },
              body: bytes.subarray(offset),
            });
            await reply.body?.cancel();
            isOver = reply.status === (version === 8 ? 200 : 201);
            if (!isOver) offset = await offsetOf(location);
          }
          assertStored({ gcs }, bytes);
        },
      );
    }

    await step(
      "an upload whose connection hangs goes on by another one, and the first is ended",
      async () => {
        const bytes = sample(8 * Q + 5);
        using client = await connect(endpoint);
        const location = await begin(client, place, 8, { "content-length": String(bytes.length) });
        await client.write(bytes.subarray(0, 5 * Q + 7));
        await arrived(place);
        let offset = await offsetOf(location);
        const old = await client.reply();
        assertEquals(old.status, 503);
        for (let isOver = false; !isOver;) {
          const reply = await fetch(location, {
            method: "PATCH",
            headers: {
              "upload-draft-interop-version": "8",
              "upload-complete": "?1",
              "content-type": "application/partial-upload",
              "upload-offset": String(offset),
            },
            body: bytes.subarray(offset),
          });
          await reply.body?.cancel();
          isOver = reply.status === 200;
          assert(isOver || reply.status === 409, `${reply.status}`);
          if (!isOver) offset = await offsetOf(location);
        }
        assertStored({ gcs }, bytes);
      },
    );

    await step("a body in chunks that breaks off makes no object", async () => {
      const bytes = sample(20 * Q);
      using client = await connect(endpoint);
      const location = await begin(client, place, 8, { "transfer-encoding": "chunked" });
      await client.writeChunk(bytes.subarray(0, 2 * Q + 7));
      client.leave();
      const offset = await offsetOf(location);
      assert(offset <= 2 * Q && offset % Q === 0, `stored: ${offset}`);
      assertEquals(gcs.objects.length, 0);
    });

    await step("curl shows the interim reply, as docs/deploy.md says", async () => {
      const document = await Deno.readTextFile(here("../../docs/deploy.md"));
      const script = document.match(/```sh\n(curl --verbose[^`]*)```/)![1];
      const grant = { subject: "user-17", prefix: "users/17/", contentTypes: ["image/*"] };
      const ticket = await signUploadTicket(TICKET_SECRET, grant, { expiresIn: 600 });
      const cwd = await Deno.makeTempDir({ prefix: "node-proxy-" });
      try {
        await Deno.writeFile(`${cwd}/photo.png`, sample(Q + 5));
        const args = ["-euc", script.replace("https://uploads.example", server.origin)];
        const curl = new Deno.Command("sh", { args, cwd, env: { ticket } });
        const stderr = new TextDecoder().decode((await curl.output()).stderr);
        assertMatch(stderr, /< HTTP\/1\.1 104 Upload Resumption Supported/);
      } finally {
        await Deno.remove(cwd, { recursive: true });
      }
      const object = gcs.get("my-bucket", "users/17/photo.png");
      assertEquals([object?.contentType, object?.bytes?.length], ["image/png", Q + 5]);
    }, Deno.build.os === "windows");

    await step("node:http hears of the interim reply before the final one", async () => {
      const headers = {
        authorization,
        "content-length": "500000",
        "upload-complete": "?1",
        "upload-draft-interop-version": "8",
      };
      const args = [here("information.mjs"), endpoint, JSON.stringify(headers), "500000"];
      const replies = JSON.parse(await output("node", args));
      const said = replies.map(({ status }: { status: number }) => status);
      assertEquals(said, [104, 200]);
      const [interim, final] = replies.map(({ headers }: { headers: unknown }) => headers);
      assertEquals(interim.location, final.location);
      assertMatch(interim["upload-limit"], /max-append-size=4194304/);
      assertEquals(difference(gcs.get("my-bucket", "a")!.bytes!, new Uint8Array(500_000)), -1);
    });

    await step("a client that is refused hears why, though it goes on sending", async () => {
      using client = await connect(endpoint);
      const length = 17 * Q;
      await client.head("POST", endpoint, {
        authorization,
        "content-length": String(length),
        "upload-complete": "?1",
      });
      await client.write(new Uint8Array(length));
      const { status, headers, body } = await client.reply();
      assertEquals([status, headers.get("connection")], [413, "close"]);
      assertMatch(body, /At most 4194304 bytes are allowed in a request/);
    });

    for (
      const [what, host, target] of [
        ["a host that is none", "a b", undefined],
        ["a URL in the place of a path", "127.0.0.1", "http://elsewhere.example/healthz"],
      ] as const
    ) {
      await step(`${what} is a 400`, async () => {
        using client = await connect(endpoint);
        await client.head("GET", `${server.origin}/healthz`, { host, connection: "close" }, target);
        assertEquals((await client.reply()).status, 400);
      });
    }

    await step(
      "headers behind the thousandth count, and a path is no host where there is none",
      async () => {
        const created = await fetch(endpoint, {
          method: "POST",
          headers: { authorization, "tus-resumable": "1.0.0", "upload-length": "5" },
        });
        const session = created.headers.get("location")!;
        const bytes = {
          connection: "close",
          "tus-resumable": "1.0.0",
          "content-type": "application/offset+octet-stream",
          "upload-offset": "0",
        };
        using nameless = await connect(endpoint);
        const { pathname, search } = new URL(session);
        await nameless.write(
          new TextEncoder().encode(
            `PATCH /x${pathname}${search} HTTP/1.0\r\n` +
              Object.entries({ ...bytes, "content-length": "5" })
                .map(([name, value]) => `${name}: ${value}\r\n`).join("") +
              "\r\nhello",
          ),
        );
        assertEquals((await nameless.reply()).status, 400);
        using client = await connect(endpoint);
        const others = Array.from({ length: 1000 }, (_, index) => [`x-${index}`, "y"]);
        await client.head("PATCH", session, {
          ...bytes,
          ...Object.fromEntries(others),
          "content-length": "5",
        });
        await client.write(new TextEncoder().encode("hello"));
        assertEquals((await client.reply()).status, 204);
      },
    );

    await step("requests that follow each other on a connection are answered", async () => {
      using client = await connect(endpoint);
      for (const path of ["/healthz", "/nowhere", "/healthz"]) {
        await client.head("GET", `${server.origin}${path}`);
        assertEquals((await client.reply()).status, path === "/healthz" ? 200 : 404);
      }
    });
  });
});
