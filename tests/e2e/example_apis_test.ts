// The examples that speak to other APIs than Cloud Storage, against the emulator.

import { assert, assertEquals, assertMatch } from "@std/assert";
import driveProxy from "../../examples/drive_proxy/worker.ts";
import worker from "../../examples/gemini/worker.ts";
import { serveEmulator } from "../../src/emulator/serve.ts";
import { GcsEmulator } from "../../src/emulator/mod.ts";
import { installRuntimes, startWorkerd } from "../support/worker_process.ts";
import { difference, inFolder, pattern, run } from "./support.ts";

const MIB = 1024 * 1024;
const ROOT = new URL("../../", import.meta.url);

Deno.test("example: a video is uploaded to YouTube with its progress", () =>
  inFolder(async (folder) => {
    await Deno.writeFile(`${folder}/my video.mp4`, pattern(3 * MIB));
    const { code, stdout, stderr } = await run("examples/youtube.ts", `${folder}/my video.mp4`);
    assertEquals([code, stderr], [0, ""]);
    assertMatch(stdout, new RegExp(`${3 * MIB} of ${3 * MIB} bytes are stored`));
    assertMatch(stdout, /https:\/\/youtu\.be\/\S+ \(uploaded\)\n$/);
  }));

Deno.test("example: youtube.ts says what it needs", async () => {
  const { code, stderr } = await run("examples/youtube.ts");
  assertEquals(code, 2);
  assertMatch(stderr, /^usage: /);
});

/** A PDF of more than one chunk. */
const PDF = pattern(9 * MIB + 7);

/** A POST of the PDF, as curl sends it. */
const post = (origin: string) =>
  new Request(`${origin}/paper.pdf`, {
    method: "POST",
    headers: { "content-type": "application/pdf" },
    body: PDF,
  });

/** What the emulator must have got of it, and what the caller is told. */
async function assertStored(gcs: GcsEmulator, response: Response): Promise<void> {
  assertEquals(response.status, 200);
  const { uri, mimeType, state } = await response.json();
  const [upload] = gcs.uploads;
  assertEquals([upload.api, upload.mediaType], ["gemini", "application/pdf"]);
  assertEquals(upload.metadata, { file: { displayName: "paper.pdf" } });
  assertEquals(difference(upload.bytes!, PDF), -1);
  const stored = upload.resource as Record<string, unknown>;
  assertEquals([uri, mimeType, state], [stored.uri, "application/pdf", stored.state]);
  assertMatch(uri, /^https?:\/\/.*\/files\//);
  assertEquals(gcs.requests.map(({ kind }) => kind), ["initiate", "chunk", "final"]);
}

Deno.test("example: a worker passes a PDF on to Gemini and tells its URI, in Deno", async () => {
  const gcs = new GcsEmulator();
  const server = await serveEmulator(gcs);
  try {
    const response = await worker.fetch(post("http://worker"), { EMULATOR: server.origin });
    await assertStored(gcs, response);
  } finally {
    await server.close();
  }
});

Deno.test("example: a worker tells what Gemini refuses, without the key", async () => {
  const gcs = new GcsEmulator({ apiKeys: ["another"] });
  const server = await serveEmulator(gcs);
  try {
    const settings = { EMULATOR: server.origin };
    const refused = await worker.fetch(post("http://worker"), settings);
    const text = await refused.text();
    assertEquals(refused.status, 502);
    assertMatch(text, /API key not valid/);
    assert(!text.includes("emulated"), text);
    const empty = await worker.fetch(new Request("http://worker/"), settings);
    assertEquals(empty.status, 400);
  } finally {
    await server.close();
  }
});

Deno.test("example: a worker passes a PDF on to Gemini and tells its URI, in workerd", () =>
  inFolder(async (folder) => {
    await installRuntimes();
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        ...["bundle", "--quiet", "--platform=browser", `--output=${folder}/worker.js`],
        "examples/gemini/worker.ts",
      ],
      cwd: ROOT,
    }).output();
    assert(success, new TextDecoder().decode(stderr));
    const gcs = new GcsEmulator();
    const google = await serveEmulator(gcs);
    try {
      await using workerd = await startWorkerd(`${folder}/worker.js`, { EMULATOR: google.origin });
      await assertStored(gcs, await fetch(post(workerd.origin)));
    } finally {
      await google.close();
    }
  }));

Deno.test("example: the Drive proxy puts a file of any client into Drive, and shows no token", async () => {
  const gcs = new GcsEmulator();
  const server = await serveEmulator(gcs);
  try {
    const url = "http://proxy.example/upload/drive/v3/files?uploadType=media&name=paper.pdf";
    const reply = await driveProxy.fetch(new Request(url, post("http://proxy.example")), {
      EMULATOR: server.origin,
    });
    const file = await reply.json();
    const [stored] = gcs.uploads;
    assertEquals([reply.status, file.id, file.name], [200, stored.id, "paper.pdf"]);
    assertEquals(difference(stored.bytes!, PDF), -1);
    assert(!JSON.stringify([...reply.headers, file]).includes("emulated"));
  } finally {
    await server.close();
  }
});
