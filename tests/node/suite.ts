// What needs more than the Web: Node's streams and files, and the files of Bun. It runs in Node, Bun and Deno.

import type { Context, PortableCase } from "../portable/case.ts";
import { type Report, run as runCases } from "../portable/suite.ts";
export { stdinTo } from "./cases/bun_files.ts";
export { filesTo } from "./cases/file_pipes.ts";
import { bunFiles } from "./cases/bun_files.ts";
import { directories } from "./cases/directories.ts";
import { filePipes } from "./cases/file_pipes.ts";
import { fileSources } from "./cases/file_sources.ts";
import { files } from "./cases/files.ts";
import { manyFiles } from "./cases/many.ts";
import { readables } from "./cases/readables.ts";
import { readableEnds } from "./cases/readable_ends.ts";
import { redirects } from "./cases/redirects.ts";
import { servedEmulator } from "./cases/served_emulator.ts";

/** A case, and the runtimes that have what it needs; without any, all of them. */
export interface NodeCase extends PortableCase {
  /** Names of runtimes. */
  readonly runtimes?: readonly string[];
}

/** Every case. */
export const cases: NodeCase[] = [
  ...readables,
  ...readableEnds,
  ...files,
  ...fileSources,
  ...filePipes,
  ...directories,
  ...bunFiles,
  ...redirects,
  ...manyFiles,
  ...servedEmulator,
];

/** Runs the cases of this runtime. An error that nobody handles is a failure of the case in which it happens. */
export function run(
  context: Context,
  onStray: (listener: (error: unknown) => void) => void,
): Promise<Report> {
  let stray: unknown[] = [];
  onStray((error) => stray.push(error));
  const chosen = cases
    .filter(({ runtimes }) => runtimes === undefined || runtimes.includes(context.runtime))
    .map(({ name, run }): PortableCase => ({
      name,
      async run() {
        stray = [];
        await run(context);
        // What nobody handles is reported when the tasks at hand are done.
        for (let i = 0; i < 3; i++) await new Promise((resolve) => setTimeout(resolve, 1));
        if (stray.length > 0) throw new Error(`nobody handled: ${stray.join(", ")}`);
      },
    }));
  return runCases(context, chosen);
}
