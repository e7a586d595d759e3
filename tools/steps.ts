// The steps of `deno task check`: everything that must hold besides the tests.

import manifest from "../deno.json" with { type: "json" };
import { unprovenClaims, unprovenSections } from "./claims.ts";
import { read, repositoryFiles } from "./files.ts";
import { brokenLinks } from "./links.ts";
import { obstacles } from "./release.ts";
import { ROOT, run } from "./run.ts";
import { stage } from "./stage.ts";
import { forbiddenWords } from "./words.ts";

/** Something to check. */
export interface Step {
  name: string;
  /** What is wrong, to be shown; an empty text when nothing is. */
  check(): Promise<string>;
}

const RUNTIMES = "tests/support/runtimes/";

const files = await repositoryFiles();
const scripts = files.filter((path) => path.endsWith(".ts"));
const library = scripts.filter((path) => path === "mod.ts" || path.startsWith("src/"));
const entries = Object.values(manifest.exports);
const documents = files.filter((path) =>
  path === "README.md" || /^docs\/(?!reference\/).+\.md$/.test(path)
);

/** The scripts that import what only tests/support/runtimes/deno.json names. */
const runtimeScripts = ["chromium.ts", "run_browser.ts", "run_workerd.ts"].map((name) =>
  RUNTIMES + name
);

const REFERENCE = "tools/reference.ts";

/** The script of the upload page that imports what only the configuration beside it names. */
const UPPY = "examples/page/uppy/";
const uppyScript = `${UPPY}dashboard.ts`;

/** The script of the playground that imports what only the configuration beside it names. */
const TUS = "examples/playground/tus/";
const tusScript = `${TUS}tus.ts`;

/** The scripts that deno.json alone does not compile. */
const foreignScripts = [...runtimeScripts, REFERENCE, uppyScript, tusScript];

/** All of them. */
export const steps: readonly Step[] = [
  { name: "format", check: () => deno("fmt", "--check") },
  { name: "lint", check: () => deno("lint", "--quiet") },
  {
    name: "types",
    check: () =>
      deno("check", "--quiet", ...scripts.filter((path) => !foreignScripts.includes(path))),
  },
  {
    name: "types of the tool that needs TypeScript",
    check: () => deno("check", "--quiet", "--config=tests/npm/deno.json", REFERENCE),
  },
  {
    name: "types of the runtimes' scripts",
    check: () => deno("check", "--quiet", `--config=${RUNTIMES}deno.json`, ...runtimeScripts),
  },
  {
    name: "types of the page's script with Uppy",
    check: () => deno("check", "--quiet", `--config=${UPPY}deno.json`, uppyScript),
  },
  {
    name: "types of the playground's script with tus-js-client",
    check: () => deno("check", "--quiet", `--config=${TUS}deno.json`, tusScript),
  },
  {
    name: "types of the library, with nothing but the web platform",
    check: async () => await deno("check", "--quiet", `--config=${await webConfig()}`, ...library),
  },
  { name: "documentation of every public symbol", check: () => deno("doc", "--lint", ...entries) },
  {
    name: "examples in documentation, README and docs",
    check: () =>
      deno("test", "--allow-all", "--doc", "--permit-no-files", ...library, ...documents),
  },
  { name: "rooms", check: () => deno("test", "--allow-read", "--no-check", "tests/rooms_test.ts") },
  { name: "links", check: async () => (await brokenLinks(files)).join("\n") },
  {
    name: "claims",
    check: async () => [...await unprovenClaims(), ...await unprovenSections()].join("\n"),
  },
  { name: "words", check: async () => (await forbiddenWords(files)).join("\n") },
  {
    name: "changelog",
    check: async () => obstacles(manifest.version, await read("CHANGELOG.md")).join("\n"),
  },
  { name: "reference", check: reference },
  {
    name: "figures of docs/performance.md",
    check: () => deno("run", "--allow-all", "--no-check", "bench/main.ts", "--check"),
  },
  { name: "publish", check: publish },
];

async function deno(...args: string[]): Promise<string> {
  const { code, output } = await run(args, { timeLimit: 10 * 60_000 });
  return code === 0 ? "" : output || `ended with code ${code}`;
}

/**
 * Writes a configuration that knows the imports of deno.json but no runtime: no `Deno`, no `process`,
 * no `Buffer`. Returns its path.
 */
async function webConfig(): Promise<string> {
  const { imports, links, compilerOptions } = manifest;
  const config = {
    imports,
    links: links.map((link) => `../${link}`),
    nodeModulesDir: "none",
    lock: false,
    compilerOptions: {
      ...compilerOptions,
      isolatedDeclarations: true,
      lib: ["esnext", "dom", "dom.iterable", "dom.asynciterable"],
    },
  };
  await Deno.mkdir(new URL(".tmp/", ROOT), { recursive: true });
  await Deno.writeTextFile(new URL(".tmp/web.json", ROOT), JSON.stringify(config));
  return ".tmp/web.json";
}

/** Whether docs/reference is what the source gives. */
async function reference(): Promise<string> {
  const config = "--config=tests/npm/deno.json";
  return await deno("install", "--quiet", config) ||
    await deno("run", "--allow-all", "--no-check", config, REFERENCE, "--check");
}

/** The package, as it would be published. */
async function publish(): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "publish-" });
  try {
    await stage(`${folder}/package`, { offline: true });
    const { code, output } = await run(["publish", "--dry-run"], { cwd: `${folder}/package` });
    return code === 0 ? "" : output;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
