// Pages of docs/migrations as programs: the two columns of each job, and a page for Chromium that is made of one.

import { assert, assertEquals } from "@std/assert";
import { read } from "../../tools/files.ts";
import { pattern } from "../e2e/support.ts";
import { output } from "../support/runtime_program.ts";
import { installProject, type PackageNames, temporaryFolder } from "./packed.ts";

/** A section of a page: what the program before is, and the one after. */
export interface Job {
  readonly title: string;
  readonly before: string;
  readonly after: string;
}

/** The sections that have blocks of code, one for each column or one for both, each behind the blocks of "Setup". */
export async function jobsOf(page: string): Promise<Job[]> {
  const [, ...sections] = (await read(`docs/migrations/${page}.md`)).split(/^## /m);
  const [setup, ...jobs] = sections.flatMap((section) => {
    const blocks = [...section.matchAll(/^```js ignore\n([^]*?)^```/gm)].map((match) => match[1]);
    if (blocks.length === 0) return [];
    assert(blocks.length <= 2, `${page}: ${section.split("\n")[0]}`);
    return [{ title: section.split("\n")[0], before: blocks[0], after: blocks.at(-1)! }];
  });
  assertEquals(setup.title, "Setup");
  return jobs.map(({ title, before, after }) => ({
    title,
    before: `${setup.before}\n${before}`,
    after: `${setup.after}\n${after}`,
  }));
}

/** How many bytes the file has that is uploaded. */
export const SIZE: number = 12 * 1024 * 1024 + 5;

/** What makes a page of modules. */
export const BUNDLER: Readonly<Record<string, string>> = { vite: "^8.3.8" };

/** A folder with what the jobs of a page need, and a file to upload, `film.mp4`. */
export async function installJobs(packages: PackageNames): Promise<string> {
  const folder = await temporaryFolder();
  await installProject(folder, packages);
  await Deno.writeFile(`${folder}/film.mp4`, pattern(SIZE));
  return folder;
}

/** Makes a page of a program, which waits for a file to be chosen. */
export async function buildPage(folder: string, program: string): Promise<void> {
  const imports = program.match(/^import .*$/gm) ?? [];
  const rest = program.replaceAll(/^import .*$/gm, "");
  const code = `${imports.join("\n")}
    const [input, said] = ["input", "output"].map((name) => document.querySelector(name));
    input.addEventListener("change", async () => {
      const file = input.files[0];
      try {
        ${rest}
        said.value = "done";
      } catch (error) {
        said.value = "failed: " + error;
      }
    });`;
  const html =
    `<!DOCTYPE html><link rel="icon" href="data:,"><input type="file"><output>choose</output>
    <script type="module" src="/job.js"></script>`;
  await Deno.writeTextFile(`${folder}/job.js`, code);
  await Deno.writeTextFile(`${folder}/index.html`, html);
  const vite = ["node_modules/vite/bin/vite.js", "build", "--logLevel=warn"];
  await output("node", vite, { cwd: folder });
}
