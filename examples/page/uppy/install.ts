/** Uppy, which is not part of this repository: installed from npm when somebody wants it. */

import { fileURLToPath } from "node:url";

/** A page's script with Uppy in it, and Uppy's styles. */
export interface UppyBundle {
  readonly script: Uint8Array<ArrayBuffer>;
  readonly style: Uint8Array<ArrayBuffer>;
}

const HERE = new URL("./", import.meta.url);

/** The styles, in the order in which they are to apply. */
const STYLES = ["core/dist/style.min.css", "dashboard/dist/style.min.css"] as const;

/** How long npm may take, in milliseconds. */
const TIMEOUT = 120_000;

/**
 * Installs what deno.json beside this file names, unless that is done, and bundles a script with it.
 *
 * @throws {Error} when it cannot be had; the message says why
 */
export async function bundleUppy(entry: URL = new URL("dashboard.ts", HERE)): Promise<UppyBundle> {
  await deno("install", "--quiet");
  const script = await deno("bundle", "--quiet", "--platform=browser", fileURLToPath(entry));
  const styles = await Promise.all(
    STYLES.map((path) => Deno.readTextFile(new URL(`node_modules/@uppy/${path}`, HERE))),
  );
  return { script, style: new TextEncoder().encode(styles.join("\n")) };
}

async function deno(command: string, ...args: string[]): Promise<Uint8Array<ArrayBuffer>> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [command, `--config=${fileURLToPath(new URL("deno.json", HERE))}`, ...args],
    cwd: HERE,
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    signal: AbortSignal.timeout(TIMEOUT),
  }).output();
  if (success) return stdout;
  const lines = new TextDecoder().decode(stderr).trim().split("\n");
  throw new Error(`Uppy cannot be had from npm (deno ${command}): ${lines.slice(0, 3).join(" ")}`);
}
