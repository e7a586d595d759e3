/**
 * Makes the package for npm: ESM for every entry point of deno.json, with type declarations.
 *
 * The sources are compiled one by one, so that a bundler drops what an application does not import. It asks for
 * TypeScript, which `tests/npm/deno.json` names.
 *
 * Usage: `deno run -A tools/npm.ts [FOLDER]`; the folder is `dist/npm` if left out, and is emptied.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import manifest from "../deno.json" with { type: "json" };
import { read, repositoryFiles } from "./files.ts";
import { ROOT, run } from "./run.ts";
import { isPublished } from "./stage.ts";

/** Where the tools come from that only this package needs. */
const TOOLS = new URL("tests/npm/", ROOT);

const DESCRIPTION =
  "Resumable uploads to Google Cloud Storage, Drive, YouTube and Gemini that lose no byte, " +
  "and an edge proxy for untrusted clients";

const KEYWORDS = [
  "google-cloud-storage",
  "gcs",
  "resumable-upload",
  "upload",
  "tus",
  "google-drive",
  "gemini",
  "cloudflare-workers",
  "deno",
  "bun",
  "edge",
];

/** What npm reads of a package. */
export type PackageJson = Readonly<Record<string, unknown>>;

/** The `package.json` of what deno.json says, with the packages of which `isUsed` is true. */
export function packageJson(isUsed: (name: string) => boolean): PackageJson {
  const { name, version, license, exports } = manifest;
  const bin = Object.hasOwn(exports, "./cli") ? { bin: { [COMMAND]: "./bin.js" } } : {};
  return {
    name,
    version,
    description: DESCRIPTION,
    keywords: KEYWORDS,
    license,
    ...repository(),
    type: "module",
    sideEffects: false,
    engines: { node: ">=20" },
    exports: {
      ...Object.fromEntries(Object.entries(exports).map(([entry, path]) => [entry, built(path)])),
      "./package.json": "./package.json",
    },
    ...bin,
    dependencies: Object.fromEntries(
      Object.entries(manifest.imports)
        .filter(([specifier]) => isUsed(specifier))
        .map(([specifier, target]) => [specifier, target.slice(target.lastIndexOf("@") + 1)]),
    ),
  };
}

/** What provenance is compared with: the repository that the build server works for. */
function repository(): Record<string, unknown> {
  const [server, name] = ["GITHUB_SERVER_URL", "GITHUB_REPOSITORY"].map((key) => Deno.env.get(key));
  return server && name ? { repository: { type: "git", url: `git+${server}/${name}.git` } } : {};
}

/** The name of the command. */
const COMMAND = "resumable-media";

/** An entry point: its declarations first, as TypeScript takes the first that it knows. */
function built(path: string): Record<string, string> {
  const [types, javascript] = [".d.ts", ".js"].map((end) => path.replace(/\.ts$/, end));
  return { types, default: javascript };
}

/** Makes the package in a folder, which is emptied first. */
export async function makePackage(folder: string): Promise<void> {
  await Deno.remove(folder, { recursive: true }).catch(() => {});
  const files = (await repositoryFiles()).filter(isPublished).filter((path) =>
    path !== "deno.json"
  );
  const sources = files.filter((path) => path.endsWith(".ts"));
  const source = await Deno.makeTempDir({ dir: await folderFor("tmp"), prefix: "npm-" });
  try {
    const texts = await Promise.all(sources.map(read));
    for (const [i, path] of sources.entries()) await write(`${source}/${path}`, texts[i]);
    const json = packageJson((name) => texts.some((text) => imports(text, name)));
    await write(`${source}/package.json`, JSON.stringify(json));
    await compile(source, sources, folder);
    for (const path of files.filter((path) => !path.endsWith(".ts"))) {
      await write(`${folder}/${path}`, await read(path));
    }
    if ("bin" in json) await write(`${folder}/bin.js`, BIN);
    await write(`${folder}/package.json`, JSON.stringify(json, null, 2) + "\n");
  } finally {
    await Deno.remove(source, { recursive: true });
  }
}

/** Whether code, and not an example in a comment, imports a package or a module of it. */
function imports(text: string, name: string): boolean {
  const code = text.replaceAll(/^\s*\*.*$/gm, "");
  return new RegExp(`\\b(?:from|import)[\\s(]*"${RegExp.escape(name)}["/]`).test(code);
}

const BIN =
  `#!/usr/bin/env node\nimport { main } from "./src/cli/mod.js";\nprocess.exitCode = await main();\n`;

/** JavaScript without comments, and declarations with them. */
async function compile(source: string, files: readonly string[], folder: string): Promise<void> {
  await command("install", "--quiet");
  const shared = {
    target: "es2022",
    module: "nodenext",
    lib: ["esnext", "dom", "dom.iterable", "dom.asynciterable"],
    types: [],
    strict: true,
    exactOptionalPropertyTypes: true,
    noCheck: true, // `deno task check` has done it
    rootDir: ".",
    outDir: folder,
    rewriteRelativeImportExtensions: true,
    verbatimModuleSyntax: true,
  };
  const kinds = {
    javascript: { removeComments: true },
    declarations: { declaration: true, emitDeclarationOnly: true },
  };
  for (const [kind, options] of Object.entries(kinds)) {
    const project = `${source}/${kind}.json`;
    await write(project, JSON.stringify({ compilerOptions: { ...shared, ...options }, files }));
    await command("run", "--quiet", "--allow-all", "typescript/tsc", "--project", project);
  }
  for (const path of files) await namePrograms(`${folder}/${path.replace(/\.ts$/, ".d.ts")}`);
}

/** Makes the declarations of a module name others by the programs that they declare. */
async function namePrograms(path: string): Promise<void> {
  const text = await Deno.readTextFile(path);
  await Deno.writeTextFile(path, text.replaceAll(/(["'])(\.{1,2}\/[^"'\s]*)\.ts\1/g, "$1$2.js$1"));
}

/** Runs a command of Deno where the tools are. */
async function command(...args: string[]): Promise<void> {
  const { code, output } = await run(args, { cwd: TOOLS });
  if (code !== 0) throw new Error(`deno ${args[0]} failed:\n${output}`);
}

async function folderFor(name: string): Promise<string> {
  const path = fileURLToPath(new URL(`.${name}/`, ROOT));
  await Deno.mkdir(path, { recursive: true });
  return path;
}

async function write(path: string, text: string): Promise<void> {
  await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
  await Deno.writeTextFile(path, text);
}

if (import.meta.main) {
  const folder = Deno.args[0] ?? fileURLToPath(new URL("dist/npm", ROOT));
  await makePackage(folder);
  console.log(folder);
}
