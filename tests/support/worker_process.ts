// The worker in the runtimes it is for, each as its example deploys it.

import { createRequire } from "node:module";
import { bunProgram, RUNTIMES } from "./runtimes.ts";
import { deno, type Project } from "./example_project.ts";
import { type ServerProcess, startServer } from "./server_process.ts";

/** A runtime. */
export type RuntimeName = "workerd" | "deno" | "bun";

/** The three of them. */
export const runtimes: readonly RuntimeName[] = ["workerd", "deno", "bun"];

/** Installs what comes from npm, if it is not there. */
export async function installRuntimes(): Promise<void> {
  await deno(["install", "--quiet"], { cwd: RUNTIMES });
}

/** The earliest compatibility date that a Worker can have. */
export const OLDEST_DATE = "2022-11-30";

/** Starts the worker with these settings, on a free port of 127.0.0.1; `date` is for workerd, see {@linkcode startWorkerd}. */
export async function startWorker(
  project: Project,
  runtime: RuntimeName,
  env: Readonly<Record<string, string>>,
  date?: string,
): Promise<ServerProcess> {
  if (runtime === "workerd") return await startWorkerd(project.bundle, env, date);
  if (runtime === "bun") {
    return await startServer({
      command: [bunProgram, "--no-install", "index.ts"],
      cwd: `${project.folder}/bun`,
      env: { ...env, PORT: "0", NODE_ENV: "production" },
      ready: /(http:\/\/127\.0\.0\.1:\d+)/,
    });
  }
  return await startServer({
    command: [Deno.execPath(), "run", "--no-check", "--allow-net", "--allow-env", "main.ts"],
    cwd: `${project.folder}/deno-deploy`,
    env: { ...env, DENO_SERVE_ADDRESS: "tcp:127.0.0.1:0" },
    ready: /Listening on (http:\/\/127\.0\.0\.1:\d+)/,
  });
}

/**
 * Starts a module in workerd, the runtime of Cloudflare Workers, with nothing in front of it.
 *
 * @param date the compatibility date; without one, that of the example
 */
export async function startWorkerd(
  module: string,
  bindings: Readonly<Record<string, string>>,
  date?: string,
): Promise<ServerProcess> {
  const folder = await Deno.makeTempDir({ prefix: "workerd-" });
  const cleanUp = () => Deno.remove(folder, { recursive: true }).catch(() => {});
  try {
    await Deno.copyFile(module, `${folder}/worker.js`);
    await Deno.writeTextFile(`${folder}/config.capnp`, await workerdConfig(bindings, date));
    const server = await startServer({
      command: [workerdProgram(), "serve", "config.capnp", "--control-fd=1"],
      cwd: folder,
      ready: /"port":(\d+)/,
    });
    return Object.create(server, {
      origin: { value: `http://127.0.0.1:${server.origin}` },
      stop: { value: () => server.stop().finally(cleanUp) },
      [Symbol.asyncDispose]: { value: () => server.stop().finally(cleanUp) },
    });
  } catch (error) {
    await cleanUp();
    throw error;
  }
}

/** What `wrangler deploy` sets up from `wrangler.jsonc`, for a workerd that may reach this machine. */
async function workerdConfig(
  bindings: Readonly<Record<string, string>>,
  date?: string,
): Promise<string> {
  const wrangler = await Deno.readTextFile(
    new URL("../../examples/cloudflare/wrangler.jsonc", import.meta.url),
  );
  const { 1: exampleDate } = /"compatibility_date": "([\d-]+)"/.exec(wrangler)!;
  const texts = Object.entries(bindings)
    .map(([name, value]) => `(name = "${name}", text = ${JSON.stringify(value)})`);
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .main),
    (name = "network", network = (allow = ["public", "private"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
const main :Workerd.Worker = (
  modules = [(name = "worker.js", esModule = embed "worker.js")],
  compatibilityDate = "${date ?? exampleDate}",
  bindings = [${texts.join(", ")}],
  globalOutbound = "network",
);
`;
}

/** The program that Miniflare brings. */
function workerdProgram(): string {
  const miniflare = createRequire(`${RUNTIMES}deno.json`).resolve("miniflare");
  const { default: program } = createRequire(miniflare)("workerd") as { default: string };
  return program;
}
