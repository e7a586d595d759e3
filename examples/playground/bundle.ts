/** Builds the playground: a folder of files that any web server can serve, at any path. */

import { fileURLToPath } from "node:url";
import { readPage } from "../page/assets.ts";

/** What was built. */
export interface Built {
  /** The names of the files. */
  readonly files: readonly string[];
  /** Why tus-js-client is not among them; absent where it is. */
  readonly withoutTus?: string | undefined;
}

const HERE = new URL("./", import.meta.url);
const PAGE = new URL("../page/", HERE);
const ROOT = new URL("../../", HERE);

/** How long npm may take, in milliseconds. */
const TIMEOUT = 120_000;

/** Builds into a folder, which is made; what is in it besides stays. */
export async function buildPlayground(folder: string): Promise<Built> {
  await Deno.mkdir(folder, { recursive: true });
  const scripts = await Deno.makeTempDir({ prefix: "playground-" });
  try {
    const withoutTus = await bundle(scripts);
    const page = new TextDecoder().decode(await readPage(new URL("index.html", HERE)));
    await Deno.writeTextFile(
      `${scripts}/index.html`,
      withoutTus === undefined ? page : page.replace(/<!-- tus -->.*<!-- \/tus -->/s, ""),
    );
    await Deno.copyFile(new URL("style.css", PAGE), `${scripts}/page.css`);
    await Deno.copyFile(new URL("icon.svg", PAGE), `${scripts}/icon.svg`);
    await Deno.copyFile(new URL("playground.css", HERE), `${scripts}/playground.css`);
    const names = (await Array.fromAsync(Deno.readDir(scripts))).map(({ name }) => name).sort();
    const cached = names.filter((name) => name !== "worker.js" && name !== "index.html");
    const settings = { version: await versionOf(scripts, names), files: cached };
    const worker = await Deno.readTextFile(`${scripts}/worker.js`);
    await Deno.writeTextFile(
      `${scripts}/worker.js`,
      `const PLAYGROUND = ${JSON.stringify(settings)};\n${worker}`,
    );
    for (const name of names) await Deno.copyFile(`${scripts}/${name}`, `${folder}/${name}`);
    return { files: names, withoutTus };
  } finally {
    await Deno.remove(scripts, { recursive: true });
  }
}

/** Makes the scripts; returns why there is no tus-js-client. */
async function bundle(folder: string): Promise<string | undefined> {
  const path = (name: string) => fileURLToPath(new URL(name, HERE));
  const page = ["bundle", "--quiet", "--platform=browser", "--minify"];
  const split = ["--code-splitting", `--outdir=${folder}`];
  await deno(ROOT, ...page, ...split, path("app.ts"), path("library.ts"));
  await deno(ROOT, ...page, `--output=${folder}/worker.js`, path("worker/worker.ts"));
  const config = `--config=${path("tus/deno.json")}`;
  try {
    await deno(new URL("tus/", HERE), "install", "--quiet", config);
  } catch (error) {
    return (error as Error).message;
  }
  await deno(
    new URL("tus/", HERE),
    ...page,
    config,
    `--output=${folder}/tus.js`,
    path("tus/tus.ts"),
  );
}

async function deno(cwd: URL, ...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args,
    cwd,
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
    signal: AbortSignal.timeout(TIMEOUT),
  }).output();
  if (success) return;
  const lines = new TextDecoder().decode(stderr).trim().split("\n").slice(0, 3);
  throw new Error(`deno ${args[0]} failed: ${lines.join(" ")}`);
}

/** What changes when a file does: a browser takes another worker then, with these files. */
async function versionOf(folder: string, names: readonly string[]): Promise<string> {
  const parts = await Promise.all(names.map((name) => Deno.readFile(`${folder}/${name}`)));
  const digest = await crypto.subtle.digest("SHA-256", await new Blob(parts).arrayBuffer());
  return new Uint8Array(digest).toHex().slice(0, 16);
}
