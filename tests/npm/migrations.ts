// Both columns of docs/migrations, as they stand there: programs that are installed from npm, in Node or in Chromium, against the
// emulator. Each section stores the same bytes twice, and both objects are compared with them.

import { assert, assertEquals } from "@std/assert";
import { createUploadSession } from "../../mod.ts";
import { GcsEmulator } from "../../src/emulator/mod.ts";
import { type ServedEmulator, serveEmulator } from "../../src/emulator/serve.ts";
import { difference, pattern } from "../e2e/support.ts";
import { type Browser, startBrowser } from "../page/remote.ts";
import { output } from "../support/runtime_program.ts";
import { buildPage, BUNDLER, installJobs, jobsOf, SIZE } from "./migration_pages.ts";

const NODE = `
import { mkdtemp, readFile } from "node:fs/promises";
import { createReadStream } from "node:fs";
import process from "node:process";
import { pipeline } from "node:stream/promises";
const [endpoint, path] = process.argv.slice(2);
const bytes = await readFile(path);
const folder = await mkdtemp("config-");
`;

/**
 * What a page has beside its blocks: here a client of google-auth-library that has no credentials. It names the bucket in the host,
 * without a port, when it uploads in parallel; it is led to the emulator.
 */
const PRELUDES: Readonly<Record<string, string>> = {
  "google-cloud-storage": `
import { PassThroughClient } from "google-auth-library";
const authClient = new PassThroughClient();
authClient.transporter.interceptors.request.add({
  resolved(config) {
    const { hostname, pathname, search } = new URL(config.url);
    const [bucket, ...rest] = hostname.split(".");
    if (rest.length > 0) config.url = new URL(endpoint + "/" + bucket + pathname + search);
    return Promise.resolve(config);
  },
});
`,
};

const projects: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "google-cloud-storage": { "@google-cloud/storage": "8.4.0" },
  "gcs-resumable-upload": { "gcs-resumable-upload": "6.0.0" },
};

for (const [page, dependencies] of Object.entries(projects)) {
  const jobs = await jobsOf(page);
  let installed: Promise<string> | undefined;
  for (const job of jobs) {
    for (const column of ["before", "after"] as const) {
      Deno.test(`docs/migrations/${page}.md: ${job.title}, ${column}`, async () => {
        const folder = await (installed ??= installJobs({ type: "module", dependencies }));
        await withEmulator(async (gcs, { origin }) => {
          await Deno.writeTextFile(
            `${folder}/job.mjs`,
            NODE + (PRELUDES[page] ?? "") + job[column],
          );
          const args = ["job.mjs", origin.replace("127.0.0.1", "localhost"), `${folder}/film.mp4`];
          await output("node", args, { cwd: folder });
          assertStored(gcs);
        });
      });
    }
  }
}

let browser: Browser | undefined;
Deno.test.afterAll(async () => await browser?.[Symbol.asyncDispose]());

const pages: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "upchunk": { "@mux/upchunk": "3.5.0" },
  "gcs-browser-upload": { "gcs-browser-upload": "1.0.2", "regenerator-runtime": "^0.14.1" },
};

for (const [page, dependencies] of Object.entries(pages)) {
  const jobs = await jobsOf(page);
  let installed: Promise<string> | undefined;
  for (const job of jobs) {
    for (const column of ["before", "after"] as const) {
      Deno.test(`docs/migrations/${page}.md: ${job.title}, ${column}`, async () => {
        browser ??= await startBrowser();
        const folder =
          await (installed ??= installJobs({ dependencies, devDependencies: BUNDLER }));
        await buildPage(folder, job[column]);
        await withEmulator(async (gcs, { origin }) => {
          await using server = servePage(folder, origin);
          await using visitor = await browser!.visitor();
          const view = await visitor.open(server.origin);
          await view.find("input").call("setInputFiles", [`${folder}/film.mp4`]);
          await view.find("output", /done|failed/).seen();
          assertEquals(await view.find("output").text(), "done");
          assertStored(gcs);
        });
      });
    }
  }
}

/** What a server of yours does: the page, and a session for it. */
function servePage(folder: string, endpoint: string): AsyncDisposable & { origin: string } {
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    async (request) => {
      const { pathname, origin } = new URL(request.url);
      if (pathname === "/session") {
        const target = { bucket: "my-bucket", name: "a.bin", endpoint, origin };
        return new Response((await createUploadSession(target)).url);
      }
      const path = `${folder}/dist${pathname === "/" ? "/index.html" : pathname}`;
      const type = path.endsWith(".js") ? "text/javascript" : "text/html";
      return new Response(await Deno.readFile(path), { headers: { "content-type": type } });
    },
  );
  return {
    origin: `http://127.0.0.1:${server.addr.port}`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

async function withEmulator(
  use: (gcs: GcsEmulator, server: ServedEmulator) => Promise<void>,
): Promise<void> {
  const gcs = new GcsEmulator({ cors: { origins: ["*"] } });
  const server = await serveEmulator(gcs);
  try {
    await use(gcs, server);
  } finally {
    await server.close();
  }
}

function assertStored(gcs: GcsEmulator): void {
  const object = gcs.get("my-bucket", "a.bin");
  assert(object, "there is no object");
  assertEquals(difference(object.bytes!, pattern(SIZE)), -1);
}
