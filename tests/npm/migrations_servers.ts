// docs/migrations where what is left behind is a server, tusd or Companion: both columns as they stand there, in Chromium, with that
// server or the proxy in front of the emulator. What cannot be installed here is said to be left out.

import { assert, assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import type { GcsEmulator } from "../../src/emulator/mod.ts";
import { read } from "../../tools/files.ts";
import { goProgram } from "../support/programs.ts";
import { withProxy } from "../clients/link.ts";
import { difference, pattern } from "../e2e/support.ts";
import { type Browser, startBrowser } from "../page/remote.ts";
import { type ServerProcess, startServer } from "../support/server_process.ts";
import { buildPage, BUNDLER, installJobs, jobsOf, SIZE } from "./migration_pages.ts";

/** A page of docs/migrations, and the server that it leads away from. */
interface Migration {
  readonly page: string;
  readonly dependencies: Readonly<Record<string, string>>;
  /** What the code has in the place of the server's address. */
  readonly address: string;
  /** Why it cannot be run here. */
  readonly reason?: string | undefined;
  /** Starts it in front of the emulator. */
  start(folder: string, google: string): Promise<ServerProcess>;
}

const tusd = await goProgram("tusd", "github.com/tus/tusd/v2/cmd/tusd@v2.9.1");

const migrations: readonly Migration[] = [
  {
    page: "tusd",
    dependencies: { "tus-js-client": "4.3.1" },
    address: "https://tusd.example",
    ...("reason" in tusd && { reason: tusd.reason }),
    async start(folder, google) {
      const command = "tusd -gcs-bucket my-bucket";
      assert(
        (await read("docs/migrations/tusd.md")).includes(command),
        "the page has this command",
      );
      const options = command.split(" ").slice(1);
      return await startServer({
        command: ["path" in tusd ? tusd.path : "", ...options, "-host=127.0.0.1", "-port=0"],
        cwd: folder,
        env: { STORAGE_EMULATOR_HOST: google },
        ready: /files to: (http:.*)\/files/,
      });
    },
  },
  {
    page: "uppy-companion",
    dependencies: {
      "@uppy/core": "6.3.1",
      "@uppy/aws-s3": "6.3.1",
      "@uppy/tus": "6.0.0",
      "@uppy/companion": "6.2.2",
      "express": "5.3.0",
    },
    address: "https://companion.example",
    async start(folder, google) {
      const program = new URL("programs/companion.mjs", import.meta.url);
      await Deno.copyFile(fileURLToPath(program), `${folder}/companion.mjs`);
      return await startServer({
        command: ["node", "--no-warnings", "companion.mjs", google],
        cwd: folder,
        ready: /(http:\/\/127\.0\.0\.1:\d+)\//,
      });
    },
  },
];

let browser: Browser | undefined;
Deno.test.afterAll(async () => await browser?.[Symbol.asyncDispose]());

for (const migration of migrations) {
  const { page, dependencies, address, reason } = migration;
  if (reason !== undefined) console.log(`not run, for want of ${reason}`);
  const jobs = await jobsOf(page);
  let installed: Promise<string> | undefined;
  for (const job of jobs) {
    for (const column of ["before", "after"] as const) {
      Deno.test({
        name: `docs/migrations/${page}.md: ${job.title}, ${column}`,
        ignore: reason !== undefined && column === "before",
        async fn() {
          browser ??= await startBrowser();
          const folder =
            await (installed ??= installJobs({ dependencies, devDependencies: BUNDLER }));
          const origins: string[] = [];
          await withProxy(
            async (link) => {
              await using server = column === "before"
                ? await migration.start(folder, link.google)
                : undefined;
              const program = job[column]
                .replace(address, server?.origin ?? "")
                .replace("https://upload.example", link.proxy);
              await buildPage(folder, program);
              await using site = serveSite(folder, () => link.ticket({ prefix: "users/17/" }));
              origins.push(site.origin);
              await using visitor = await browser!.visitor();
              const view = await visitor.open(site.origin);
              await view.find("input").call("setInputFiles", [`${folder}/film.mp4`]);
              await view.find("output", /done|failed/).seen();
              assertEquals(await view.find("output").text(), "done");
              assertStored(link.gcs);
            },
            { allowedOrigins: origins },
            { cors: { origins: ["*"] } },
          );
        },
      });
    }
  }
}

/** The page that was built, and a ticket for who asks. */
function serveSite(
  folder: string,
  ticket: () => Promise<string>,
): AsyncDisposable & { origin: string } {
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    async (request) => {
      const { pathname } = new URL(request.url);
      if (pathname === "/ticket") return new Response(await ticket());
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

/** The whole file is there, under whatever name: tusd gives objects the names of its own. */
function assertStored(gcs: GcsEmulator): void {
  const object = gcs.objects.find(({ size }) => size === SIZE);
  assert(object, "there is no object");
  assertEquals(difference(object.bytes!, pattern(SIZE)), -1);
}
