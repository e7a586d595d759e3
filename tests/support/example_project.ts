// The examples as their users have them: copies outside of the repository, in which the published name of the
// package leads to this checkout.

import { fileURLToPath } from "node:url";
import { stage } from "../../tools/stage.ts";
import manifest from "../../deno.json" with { type: "json" };

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** A folder with a copy of each example. */
export interface Project extends AsyncDisposable {
  readonly folder: string;
  /** `examples/cloudflare` as one module. */
  readonly bundle: string;
}

/** Makes the copies. */
export async function prepare(): Promise<Project> {
  const folder = await Deno.makeTempDir({ prefix: "worker-" });
  const dispose = () => Deno.remove(folder, { recursive: true });
  try {
    await stage(`${folder}/package`);
    for (const example of ["bun", "cloudflare", "deno-deploy", "emulator"]) {
      await copy(here(`../../examples/${example}`), `${folder}/${example}`);
    }
    await linkForNpm(folder);
    await linkForDeno(folder);
    const bundle = `${folder}/bundle.js`;
    await bundleWorker(folder, `${folder}/cloudflare/src/index.ts`, bundle);
    return { folder, bundle, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

/** What npm would install: the package under its published name, and what it depends on. */
async function linkForNpm(folder: string): Promise<void> {
  const { name, version, exports } = manifest;
  const packageJson = { name, version, type: "module", exports };
  await Deno.writeTextFile(`${folder}/package/package.json`, JSON.stringify(packageJson));
  await Deno.mkdir(`${folder}/node_modules/@resumable-media`, { recursive: true });
  const link = (target: string, path: string) =>
    Deno.symlink(target, `${folder}/node_modules/${path}`, { type: "junction" });
  await link(`${folder}/package`, name);
  await Deno.mkdir(`${folder}/node_modules/@noble`);
  for (const name of ["jose", "@noble/hashes"]) {
    await link(await Deno.realPath(here(`../../node_modules/${name}`)), name);
  }
}

/** `links` stand for what JSR would give. */
async function linkForDeno(folder: string): Promise<void> {
  const path = `${folder}/deno-deploy/deno.json`;
  const config = JSON.parse(await Deno.readTextFile(path));
  await Deno.writeTextFile(path, JSON.stringify({ ...config, links: ["../package"], lock: false }));
}

/** Copies files and folders; what was installed stays behind. */
async function copy(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (name === "node_modules") continue;
    if (isDirectory) await copy(`${from}/${name}`, `${to}/${name}`);
    else await Deno.copyFile(`${from}/${name}`, `${to}/${name}`);
  }
}

/** Where a command runs. */
export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Makes one file of a script for workerd that is in the folder of a project. */
export async function bundleWorker(
  folder: string,
  script: string,
  bundle: string,
): Promise<void> {
  await deno([
    "bundle",
    "--quiet",
    "--platform=browser",
    `--config=${folder}/deno-deploy/deno.json`,
    `--output=${bundle}`,
    script,
  ]);
}

/** Runs a command of Deno to its end; returns what it printed, and throws that when it fails. */
export async function deno(
  args: readonly string[],
  { cwd, env }: CommandOptions = {},
): Promise<string> {
  const command = new Deno.Command(Deno.execPath(), {
    args: [...args],
    ...(cwd !== undefined && { cwd }),
    stdin: "null",
    env: { NO_COLOR: "1", ...env },
    signal: AbortSignal.timeout(180_000),
  });
  const { success, stdout, stderr } = await command.output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  if (!success) throw new Error(`deno ${args[0]} failed:\n${out}${err}`);
  return out + err;
}
