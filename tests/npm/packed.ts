// The package as npm would publish it, and projects that have installed it.

import { makePackage } from "../../tools/npm.ts";
import { output } from "../support/runtime_program.ts";

let tarball: Promise<string> | undefined;

/** A folder that is gone when the process ends. */
export async function temporaryFolder(): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "npm-" });
  globalThis.addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
  return folder;
}

/** Packs the package, once; where it is. */
export function packed(): Promise<string> {
  return tarball ??= (async () => {
    const made = `${await temporaryFolder()}/made`;
    await makePackage(made);
    return `${made}/${(await output("npm", ["pack", "--silent"], { cwd: made })).trim()}`;
  })();
}

/** Installs what a package.json names, with this package instead of the one of its name that is published. */
export async function installProject(folder: string, json: PackageNames): Promise<void> {
  const dependencies = {
    ...json.dependencies,
    "@resumable-media/upload": `file:${await packed()}`,
  };
  await Deno.writeTextFile(`${folder}/package.json`, JSON.stringify({ ...json, dependencies }));
  await output("npm", ["install", "--silent", "--no-audit", "--no-fund"], { cwd: folder });
}

/** As much of a package.json as is used here. */
export interface PackageNames {
  readonly type?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}
