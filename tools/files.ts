import { ROOT } from "./run.ts";

/** Folders that hold nothing of ours; `.git` is a file in a work tree. */
const FOREIGN = new Set([".git", ".tmp", "node_modules", "coverage", "dist"]);

/** Every file of the repository as a path from its root, with slashes, sorted. */
export async function repositoryFiles(): Promise<string[]> {
  return (await Array.fromAsync(walk(""))).sort();
}

async function* walk(folder: string): AsyncGenerator<string> {
  for await (const { name, isDirectory, isFile } of Deno.readDir(new URL(`./${folder}`, ROOT))) {
    if (FOREIGN.has(name)) continue;
    if (isDirectory) yield* walk(`${folder}${name}/`);
    if (isFile) yield folder + name;
  }
}

/** The text of a file of the repository. */
export function read(path: string): Promise<string> {
  return Deno.readTextFile(new URL(path, ROOT));
}
