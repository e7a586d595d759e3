/**
 * Copies what is published, and nothing else, to an empty folder. In the repository deno.json links
 * `jsr:@std/*` to tests/std, and `deno publish` takes linked folders inside the package for a part of
 * it; the copy has no links.
 *
 * Usage: `deno run -A tools/stage.ts <folder>`
 *
 * @module
 */

import manifest from "../deno.json" with { type: "json" };
import { read, repositoryFiles } from "./files.ts";

/** How to copy. */
export interface StageOptions {
  /**
   * Whether to link `jsr:@std/*` to a copy of tests/std beside the folder, for where JSR cannot be
   * reached.
   *
   * @default {false}
   */
  offline?: boolean;
}

/** Copies the package to `folder`. */
export async function stage(folder: string, options: StageOptions = {}): Promise<void> {
  const files = await repositoryFiles();
  const { links, ...published } = manifest;
  for (const path of files.filter(isPublished)) await write(`${folder}/${path}`, await read(path));
  const config: Record<string, unknown> = published;
  if (options.offline) {
    for (const path of files.filter((path) => path.startsWith("tests/std/"))) {
      await write(`${folder}/../${path}`, await read(path));
    }
    config.links = links.map((link) => link.replace(/^\.\//, "../"));
  }
  await write(`${folder}/deno.json`, JSON.stringify(config, null, 2));
}

/** Whether a file is among `publish.include`; the only pattern there is every script of a folder. */
export function isPublished(path: string): boolean {
  return manifest.publish.include.some((rule) => {
    const [folder, name] = rule.split("**/*");
    return name === undefined ? path === rule : path.startsWith(folder) && path.endsWith(name);
  });
}

async function write(path: string, text: string): Promise<void> {
  await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
  await Deno.writeTextFile(path, text);
}

if (import.meta.main) {
  const [folder] = Deno.args;
  if (!folder) throw new TypeError("stage needs the path of a folder");
  await stage(folder);
}
