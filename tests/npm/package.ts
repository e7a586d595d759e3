// The package for npm, as somebody has it who installs it: packed, installed in an empty folder, and used from Node, Bun,
// TypeScript, Vite, esbuild and wrangler.

import { assert, assertEquals, assertMatch } from "@std/assert";
import { fileURLToPath } from "node:url";
import manifest from "../../deno.json" with { type: "json" };
import { makePackage } from "../../tools/npm.ts";
import { GcsEmulator } from "../../src/emulator/mod.ts";
import { serveEmulator } from "../../src/emulator/serve.ts";
import { LIMITS } from "../../tools/size.ts";
import { commandOf, output } from "../support/runtime_program.ts";
import { randomSecret, ticketFor, uploadThrough } from "../worker/support/rules.ts";
import { installRuntimes, startWorkerd } from "../support/worker_process.ts";
import { startUpstream } from "../worker/support/upstream.ts";
import { wrangler } from "../worker/support/wrangler.ts";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const TOOLS = here("./node_modules/");
/** An empty folder, in which the package is installed. */
interface Project {
  readonly folder: string;
  /** The package itself. */
  readonly installed: string;
  /** What npm would publish. */
  readonly tarball: string;
}

let prepared: Promise<Project> | undefined;

/** Packs and installs the package, once. */
function project(): Promise<Project> {
  return prepared ??= (async () => {
    const folder = await Deno.makeTempDir({ prefix: "npm-" });
    globalThis.addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
    const made = `${folder}/made`;
    await makePackage(made);
    const tarball = (await output("npm", ["pack", "--silent"], { cwd: made })).trim();
    const empty = `${folder}/project`;
    await Deno.mkdir(empty);
    await Deno.writeTextFile(`${empty}/package.json`, `{ "type": "module", "private": true }`);
    await output("npm", ["install", "--silent", `${made}/${tarball}`], { cwd: empty });
    for await (const { name } of Deno.readDir(here("./programs"))) {
      await Deno.copyFile(here(`./programs/${name}`), `${empty}/${name}`);
    }
    const installed = `${empty}/node_modules/${manifest.name}`;
    return { folder: empty, installed, tarball: `${made}/${tarball}` };
  })();
}

const node = (script: string, ...args: string[]) => async (cwd: string) =>
  await output("node", [script, ...args], { cwd });

Deno.test("every entry point of deno.json is one of the package, as JavaScript and as types", async () => {
  const { installed } = await project();
  const { exports } = JSON.parse(await Deno.readTextFile(`${installed}/package.json`));
  assertEquals(
    Object.keys(exports).filter((entry) => entry !== "./package.json"),
    Object.keys(manifest.exports),
  );
  for (const [entry, conditions] of Object.entries<Record<string, string>>(exports)) {
    if (entry === "./package.json") continue;
    for (const path of Object.values(conditions)) {
      assert((await Deno.stat(`${installed}/${path}`)).isFile, path);
    }
  }
});

Deno.test("the package has the version, the licence and the README, and no source, test or path of this machine", async () => {
  const { installed } = await project();
  const packageJson = JSON.parse(await Deno.readTextFile(`${installed}/package.json`));
  assertEquals(packageJson.version, manifest.version);
  assertEquals(packageJson.license, manifest.license);
  assertEquals(packageJson.sideEffects, false);
  for (const name of ["README.md", "LICENSE", "CHANGELOG.md"]) {
    assert((await Deno.stat(`${installed}/${name}`)).isFile);
  }
  for (const path of await filesOf(installed)) {
    assertMatch(path, /(?:\.js|\.d\.ts|^\/(?:README|CHANGELOG)\.md|^\/LICENSE|^\/package\.json)$/);
    const text = await Deno.readTextFile(installed + path);
    assert(!text.includes(here("../../")), `${path} names this machine`);
    assert(!/(?:from|import\()\s*"\.[^"]*\.ts"/.test(text.replaceAll(/^\s*\*.*$/gm, "")), path);
  }
});

async function filesOf(root: string, folder = ""): Promise<string[]> {
  const paths: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(root + folder)) {
    const path = `${folder}/${name}`;
    paths.push(...isDirectory ? await filesOf(root, path) : [path]);
  }
  return paths;
}

Deno.test("a CommonJS module of Node requires every entry point but the command line", async () => {
  const { folder } = await project();
  const entries = Object.keys(manifest.exports).filter((entry) => entry !== "./cli");
  const names = entries.map((entry) => `${manifest.name}${entry.slice(1)}`);
  const script = `${JSON.stringify(names)}.forEach((name) => require(name)); console.log("all");`;
  await Deno.writeTextFile(`${folder}/required.cjs`, script);
  assertEquals((await node("required.cjs")(folder)).trim(), "all");
});

Deno.test('publint and "are the types wrong" find nothing', async () => {
  const { installed, tarball } = await project();
  const lint = await node(`${TOOLS}publint/src/cli.js`, "--strict", installed)(installed);
  assertMatch(lint, /All good!/);
  const types = `${TOOLS}@arethetypeswrong/cli/dist/index.js`;
  const said = await node(types, tarball, "--profile", "esm-only", "--format", "ascii")(installed);
  for (const how of ["node16 (from ESM)", "bundler"]) {
    assertEquals(
      said.split(`${how}: 🟢`).length - 1,
      Object.keys(manifest.exports).length + 1,
      how,
    );
  }
});

for (const runtime of ["node", "bun"]) {
  Deno.test(`a program uses every entry point in ${runtime}`, async () => {
    await installRuntimes();
    const { folder } = await project();
    const [program, ...args] = commandOf(runtime);
    const said = await output(program, [...args, "uploads.mjs"], { cwd: folder });
    assertEquals(said.trim(), "uploaded 1000003");
  });
}

/** The command line as a command of each runtime, in an empty folder: before `cp` and its arguments. */
const COMMANDS: Record<string, (project: Project) => readonly [string, ...string[]]> = {
  npx: ({ tarball }) => ["npx", "--yes", `--package=${tarball}`, "resumable-media"],
  bunx: ({ installed }) => [commandOf("bun")[0], "--bun", `${installed}/bin.js`],
  "deno run": () => [
    Deno.execPath(),
    "run",
    "--allow-all",
    "--quiet",
    `--config=${here("../../deno.json")}`,
    here("../../src/cli/mod.ts"),
  ],
};

for (const [name, commandFor] of Object.entries(COMMANDS)) {
  Deno.test(`three commands upload a file from a fresh folder: ${name}`, async () => {
    await installRuntimes();
    const made = await project();
    const folder = await Deno.makeTempDir({ prefix: "fresh-" });
    const gcs = new GcsEmulator();
    const server = await serveEmulator(gcs);
    try {
      await Deno.writeTextFile(`${folder}/hello.txt`, "hello");
      const [program, ...args] = commandFor(made);
      const to = ["cp", "hello.txt", "gs://my-bucket/", "--endpoint", server.origin];
      const said = await output(program, [...args, ...to], { cwd: folder });
      assertMatch(said, /uploaded 5 B hello\.txt -> gs:\/\/my-bucket\/hello\.txt/);
      assertEquals(gcs.get("my-bucket", "hello.txt")?.size, 5);
    } finally {
      await server.close();
      await Deno.remove(folder, { recursive: true });
    }
  });
}

for (const resolution of ["node16", "bundler"]) {
  Deno.test(`a strict program compiles that resolves modules by "${resolution}"`, async () => {
    const { folder } = await project();
    const compilerOptions = {
      module: resolution === "node16" ? "node16" : "esnext",
      moduleResolution: resolution,
      target: "es2022",
      lib: ["esnext", "dom", "dom.iterable", "dom.asynciterable"],
      types: [],
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      skipLibCheck: false,
      noEmit: true,
    };
    const path = `${folder}/tsconfig.${resolution}.json`;
    await Deno.writeTextFile(path, JSON.stringify({ compilerOptions, files: ["program.ts"] }));
    assertEquals(await node(`${TOOLS}typescript/bin/tsc`, "--project", path)(folder), "");
  });
}

/** Uploads by a bundle for pages. */
async function uploadsBy(bundle: string, cwd: string): Promise<void> {
  const program = `
    import { GcsEmulator } from "@resumable-media/upload/emulator";
    import { createUploadSession } from "@resumable-media/upload";
    import { send } from ${JSON.stringify(bundle)};
    const transport = new GcsEmulator().fetch;
    const { url } = await createUploadSession({ bucket: "my-bucket", name: "a", transport });
    console.log(await send(new Blob(["hello"]), url, transport));
  `;
  await Deno.writeTextFile(`${cwd}/run.mjs`, program);
  assertEquals((await node("run.mjs")(cwd)).trim(), "5");
}

Deno.test("Vite bundles what a page imports, and the bundle uploads", async () => {
  const { folder } = await project();
  const config = `export default {
    logLevel: "warn",
    build: { lib: { entry: "page.js", formats: ["es"], fileName: "page" }, outDir: "vite" },
  };`;
  await Deno.writeTextFile(`${folder}/vite.config.js`, config);
  await node(`${TOOLS}vite/bin/vite.js`, "build")(folder);
  await uploadsBy("./vite/page.js", folder);
});

Deno.test("esbuild bundles what a page imports, drops the rest, and the bundle uploads", async () => {
  const { folder } = await project();
  await output(`${TOOLS}esbuild/bin/esbuild`, [
    "page.js",
    "--bundle",
    "--minify",
    "--format=esm",
    "--platform=browser",
    "--external:@noble/hashes/*",
    "--outfile=esbuild/page.js",
  ], { cwd: folder });
  const bytes = await Deno.readFile(`${folder}/esbuild/page.js`);
  const gzip = new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"));
  const weight = (await new Response(gzip).bytes()).length;
  assert(weight <= LIMITS["mod.ts#uploadToSession"] * 1.05, `${weight} bytes`);
  await uploadsBy("./esbuild/page.js", folder);
});

Deno.test("wrangler bundles the worker, and it runs in workerd", async () => {
  await installRuntimes();
  const { folder } = await project();
  const config = { name: "upload-proxy", main: "worker.js", compatibility_date: "2026-04-26" };
  await Deno.writeTextFile(`${folder}/wrangler.json`, JSON.stringify(config));
  const code = `export { default } from "@resumable-media/upload/worker";\n`;
  await Deno.writeTextFile(`${folder}/worker.js`, code);
  await wrangler(folder, "deploy", "--dry-run", "--outdir=wrangler");
  await using upstream = await startUpstream();
  const settings = {
    GCS_BUCKET: "bucket",
    GCS_ENDPOINT: upstream.origin,
    GOOGLE_AUTH: "none",
    SESSION_SECRET: randomSecret(),
    TICKET_SECRET: randomSecret(),
  };
  await using worker = await startWorkerd(`${folder}/wrangler/worker.js`, settings);
  const bytes = new Uint8Array(600_000).map((_, i) => i);
  await uploadThrough({ worker, ticket: await ticketFor(settings) }, bytes);
});
