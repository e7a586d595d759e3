// The published types, as compilers of several versions see them: right programs compile with the strictest settings, wrong
// ones do not.

import { assertEquals, assertMatch } from "@std/assert";
import { fileURLToPath } from "node:url";
import config from "./deno.json" with { type: "json" };
import settings from "./tsconfig.json" with { type: "json" };

const HERE = fileURLToPath(new URL("./", import.meta.url));

/** Runs Deno in this folder; what it wrote, without the folder's own name. */
async function deno(...args: string[]): Promise<string> {
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args,
    cwd: HERE,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    env: { NO_COLOR: "1" },
    signal: AbortSignal.timeout(120_000),
  }).output();
  return [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)).join("").trim();
}

/** Installs what deno.json names, once; and the packages of the library, which it is compiled with. */
let installed: Promise<unknown> | undefined;
const install = () =>
  installed ??= (async () => {
    await deno("install", "--quiet");
    await deno("install", "--quiet", "--config=../../deno.json");
  })();

/** Runs a TypeScript with these settings on files below a folder; what it said, nothing when all is well. */
async function tsc(
  compiler: string,
  folder: string,
  files: readonly string[],
  compilerOptions: Record<string, unknown>,
): Promise<string> {
  await install();
  const project = `${folder}/tsconfig.json`;
  await Deno.writeTextFile(project, JSON.stringify({ compilerOptions, files }));
  return await deno("run", "--quiet", "--allow-all", `${compiler}/tsc`, "--project", project);
}

/**
 * Calls `use` with a folder that is gone afterwards. It is below this one, whose packages it needs, where no tool looks that goes
 * through the repository meanwhile.
 */
async function inFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  await Deno.mkdir(`${HERE}.tmp`, { recursive: true });
  const folder = await Deno.makeTempDir({ dir: `${HERE}.tmp` });
  try {
    return await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The settings with which the library itself is to compile: those about its callers. */
const { noUncheckedIndexedAccess: _, noImplicitReturns: __, ...own } = settings.compilerOptions;

/** The entry points that programs of these tests import, from a folder beside this file. */
const ENTRIES: readonly string[] = ["../../../../mod.ts", "../../../../src/parallel/mod.ts"];

/**
 * Compiles a program that imports the library as it is installed, by its declarations.
 *
 * The declarations are made from the source, whatever else may be wrong with that.
 */
async function compile(
  compiler: string,
  program: string,
  more: Record<string, unknown> = {},
): Promise<string> {
  return await inFolder(async (folder) => {
    const emitted = await tsc(compiler, folder, ENTRIES, {
      ...own,
      noEmit: false,
      noCheck: true,
      declaration: true,
      emitDeclarationOnly: true,
      rootDir: "../../../..",
      outDir: "library",
    });
    assertEquals(emitted, "", "the declarations");
    await named(`${folder}/library`);
    // In a module of Node, as in a bundler's, a declaration is named as the program is that it declares.
    await Deno.writeTextFile(`${folder}/package.json`, JSON.stringify({ type: "module" }));
    await Deno.writeTextFile(
      `${folder}/program.ts`,
      program.replaceAll("../../mod.ts", "./library/mod.js")
        .replaceAll(/"\.\.\/\.\.\/(src\/\w+\/mod)\.ts"/g, '"./library/$1.js"'),
    );
    return await tsc(compiler, folder, ["program.ts"], { ...settings.compilerOptions, ...more });
  });
}

/** Makes declarations name each other as those of a package do. */
async function named(folder: string): Promise<void> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) {
      await named(path);
      continue;
    }
    const text = await Deno.readTextFile(path);
    await Deno.writeTextFile(path, text.replaceAll(/(["'])(\.[^"']*)\.ts\1/g, "$1$2.js$1"));
  }
}

const read = (name: string) => Deno.readTextFile(new URL(name, import.meta.url));

const modes: [what: string, options: Record<string, unknown>][] = [
  ["as a bundler resolves", {}],
  ["as Node resolves", { module: "nodenext", moduleResolution: "nodenext" }],
];

for (const [name, compiler] of Object.entries(config.imports)) {
  Deno.test(`${name} is what its name says`, async () => {
    await install();
    const version = await deno("run", "--quiet", "--allow-all", `${compiler}/tsc`, "--version");
    const [, range] = compiler.match(/@[~^](\d+\.\d+)/)!;
    assertEquals(/^Version (\d+)\./.exec(version)?.[1], range.split(".")[0], version);
  });

  Deno.test(`the library compiles with ${name}, and exactOptionalPropertyTypes`, async () => {
    await inFolder(async (folder) => {
      assertEquals(await tsc(compiler, folder, ENTRIES, own), "");
    });
  });

  for (const [what, options] of modes) {
    Deno.test(`a program that uses the library compiles with ${name}, ${what}`, async () => {
      assertEquals(await compile(compiler, await read("consumer.ts"), options), "");
    });
  }

  Deno.test(`wrong targets, options and metadata do not compile with ${name}`, async () => {
    assertEquals(await compile(compiler, await read("mistakes.ts")), "");
  });

  Deno.test(`a mistake in a program is found by ${name}, so that these tests find something`, async () => {
    const program = `import { UPLOAD_CHUNK_SIZE } from "../../mod.ts";\n` +
      "export const size: string = UPLOAD_CHUNK_SIZE;\n";
    assertMatch(await compile(compiler, program), /program\.ts\(2,14\): error TS2322/);
  });
}
