// Other people's tus clients through the proxy, each from its own package: in Python, Java and Go. What cannot be had here is
// said to be left out.

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fileURLToPath } from "node:url";
import { difference } from "../e2e/support.ts";
import { wire } from "../e2e/wire.ts";
import { HOME, type Installed, javaArchive, pythonWith, runProgram } from "../support/programs.ts";
import { type Link, sample, withProxy } from "./link.ts";

const Q = 262_144;
const FOLDER = new URL("tus_peers/", import.meta.url);
const script = (name: string) => fileURLToPath(new URL(name, FOLDER));

/** A client: a program that is given an endpoint, a ticket, a file and the size of its requests. */
interface Client {
  readonly name: string;
  readonly source: string;
  /** How it is run. */
  readonly command: (installed: string) => readonly string[];
  readonly installed: Installed;
}

/** Builds the client in Go, if its module can be had. */
async function goClient(): Promise<Installed> {
  const path = `${HOME}/tusgo`;
  try {
    const options = { cwd: script("go/"), env: { GOFLAGS: "-mod=mod" } };
    await runProgram("go", ["build", "-o", path, "."], options);
    return { path };
  } catch (error) {
    return { reason: `go with github.com/bdragon300/tusgo: ${error}` };
  }
}

const clients: readonly Client[] = [
  {
    name: "tuspy 1.1.0 in Python",
    source: "upload.py",
    command: (python) => [python, script("upload.py")],
    installed: await pythonWith("tuspy", "tusclient.client", "tuspy==1.1.0"),
  },
  {
    name: "tus-java-client 0.5.1 in Java",
    source: "Upload.java",
    command: (archive) => ["java", "-cp", archive, script("Upload.java")],
    installed: await javaArchive("io.tus.java.client", "tus-java-client", "0.5.1"),
  },
  {
    name: "tusgo 0.1.2 in Go",
    source: "go/main.go",
    command: (program) => [program],
    installed: await goClient(),
  },
];

/** Uploads a file of so many bytes over a line that may break; what the client says. */
async function run(
  { command, installed }: Client,
  link: Link,
  { size, chunk, breaks = [] }: { size: number; chunk: number; breaks?: readonly number[] },
): Promise<string> {
  if ("reason" in installed) throw new Error(installed.reason);
  const file = await Deno.makeTempFile({ prefix: "tus-" });
  await using line = wire(link.proxy);
  line.breakAfter(...breaks);
  try {
    await Deno.writeFile(file, sample(size));
    const endpoint = `${line.origin}/upload/storage/v1/b/my-bucket/o`;
    const [program, ...args] = command(installed.path);
    const job = [endpoint, await link.ticket(), file, String(chunk)];
    const said = await runProgram(program, [...args, ...job])
      .catch((error) => `error: ${error.message}`);
    assertEquals(line.breaks, breaks.length);
    return said.trim();
  } finally {
    await Deno.remove(file);
  }
}

function assertStored({ gcs }: Link, size: number): void {
  const [object, ...others] = gcs.objects;
  assertEquals([object.name, object.contentType, others.length], [
    "uploads/a photo.png",
    "image/png",
    0,
  ]);
  assertEquals(difference(object.bytes!, sample(size)), -1);
}

for (const client of clients) {
  const ignore = "reason" in client.installed;
  if ("reason" in client.installed) console.log(`not run, for want of ${client.installed.reason}`);

  for (const size of [5, 4 * Q, 12 * Q + 5]) {
    Deno.test({
      name: `${client.name} through the proxy: a file of ${size} bytes in requests of a MiB`,
      ignore,
      fn: () =>
        withProxy(async (link) => {
          assertMatch(await run(client, link, { size, chunk: 4 * Q }), /success$/);
          assertStored(link, size);
        }),
    });
  }

  Deno.test({
    name: `${client.name} goes on after the connection was cut, in the same session`,
    ignore,
    fn: () =>
      withProxy(async (link) => {
        const job = { size: 12 * Q + 5, chunk: 4 * Q, breaks: [6 * Q] };
        assertMatch(await run(client, link, job), /success$/);
        assertStored(link, job.size);
        assertEquals(link.gcs.requests.filter(({ kind }) => kind === "initiate").length, 1);
      }),
  });

  Deno.test({
    name: `${client.name} is refused requests that are smaller than Google takes`,
    ignore,
    fn: () =>
      withProxy(async (link) => {
        const said = await run(client, link, { size: 3 * Q, chunk: 100_000 });
        assert(!said.endsWith("success"), said);
        assertEquals(link.gcs.objects.length, 0);
        assert(
          link.log.some(({ status, error }) => status === 400 && error?.includes("chunkSize")),
        );
      }),
  });

  Deno.test(`docs/clients.md shows how ${client.name} is set up`, async () => {
    const source = await Deno.readTextFile(script(client.source));
    const [, shown] = source.split(/(?:\/\/|#) docs\/clients\.md shows what is between .*\n/);
    const document = await Deno.readTextFile(new URL("../../docs/clients.md", import.meta.url));
    const lines = shown.split("\n").map((line) => line.trim()).filter((line) => line !== "");
    assertStringIncludes(document.replaceAll(/\n\s+/g, "\n"), lines.join("\n"));
  });
}
