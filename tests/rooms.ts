// Who may import whom, and which names of one runtime code may not use: the rules of docs/architecture.md.

/** What each room may import besides itself: rooms, single files of `src/`, packages. */
export const MAY_IMPORT: Record<string, readonly string[]> = {
  errors: [],
  protocol: ["errors"],
  bytes: ["errors"],
  net: ["errors", "protocol", "bytes/bytes.ts", "bytes/disturbed.ts"],
  upload: ["errors", "protocol", "bytes", "net"],
  xhr: ["errors", "net"],
  checkpoints: ["upload"],
  parallel: ["errors", "protocol", "bytes", "net", "upload"],
  auth: ["errors", "protocol", "net", "jose"],
  emulator: ["bytes/crc32c.ts", "bytes/md5.ts", "@std/*"],
  proxy: ["errors", "protocol", "net", "jose"],
  file: [
    "upload",
    "errors",
    "protocol",
    "bytes",
    "net",
    "auth",
    "mime",
    "node:fs",
    "node:os",
    "node:path",
    "node:process",
    "node:url",
  ],
  directory: [],
  worker: ["proxy", "auth", "errors"],
  cli: [
    "errors",
    "protocol",
    "bytes",
    "net",
    "upload",
    "parallel",
    "auth",
    "file",
    "emulator",
    "proxy",
    "worker",
    "minimatch",
    "string-width",
    "node:crypto",
    "node:fs",
    "node:os",
    "node:path",
    "node:process",
    "node:timers",
    "node:util",
  ],
  "mod.ts": ["errors", "bytes", "net", "upload", "protocol"],
};

/** What single files may import besides. */
const ALSO: Record<string, readonly string[]> = {
  "src/emulator/serve.ts": ["node:http"],
};

/** What folders beside the library may import of this repository besides themselves: folders, and single files. */
const BESIDE: Record<string, readonly string[]> = {
  "bench/": ["mod.ts", "src/", "tools/", "deno.json", "tests/support/"],
  "examples/": [],
  "tests/support/": ["mod.ts", "src/", "tools/", "deno.json"],
};

/** Packages that one file may load on demand (or take types from, which are gone at run time), and nobody else. */
const ON_DEMAND: Record<string, readonly string[]> = {
  "src/bytes/md5.ts": ["@noble/hashes"],
  "src/bytes/sha256.ts": ["@noble/hashes"],
};

/** Globals that only some runtimes have. */
const FOREIGN_GLOBALS = [
  "Deno",
  "Bun",
  "process",
  "Buffer",
  "require",
  "__dirname",
  "__filename",
] as const;

/** Files that may ask which runtime they are in, and which globals they may ask for. */
const MAY_USE: Record<string, readonly string[]> = {
  "src/cli/io.ts": ["Deno"],
  "src/worker/environment.ts": ["Deno", "process"],
};

/** Something that a file reaches for. */
interface Use {
  /** The specifier, or the name of the global. */
  name: string;
  kind: "import" | "type import" | "dynamic import" | "global";
}

/**
 * What is wrong with a file of the library, in sentences; nothing when it keeps the rules.
 *
 * @param path Where it is, from the root of the repository, with slashes.
 */
export function violations(path: string, source: string): string[] {
  const room = roomOf(path);
  if (room === undefined || !(room in MAY_IMPORT)) {
    return [`${path} is in no room of docs/architecture.md`];
  }
  return usesOf(path, source).flatMap((use) => {
    const allowed = use.kind === "global"
      ? MAY_USE[path]?.includes(use.name)
      : mayImport(path, room, use);
    const verb = use.kind === "global" ? "use" : use.kind;
    return allowed ? [] : [`${path} (${room}) may not ${verb} ${use.name}`];
  });
}

/** The same for a file of the benchmarks, the examples, or what tests share: what it imports of the repository and may not. */
export function violationsBeside(path: string, source: string): string[] {
  const folder = Object.keys(BESIDE).find((folder) => path.startsWith(folder));
  if (folder === undefined) return [`${path} has no rule`];
  const allowed = [folder, ...BESIDE[folder]];
  return usesOf(path, source).flatMap(({ name, kind }) => {
    if (!/^\.{1,2}\//.test(name)) return [];
    const target = new URL(name, `file:///${path}`).pathname.slice(1);
    const isAllowed = allowed.some((rule) =>
      rule.endsWith("/") ? target.startsWith(rule) : target === rule
    );
    return isAllowed ? [] : [`${path} may not ${kind} ${name}`];
  });
}

/** The room of a file: its folder in `src/`, or its own name. */
function roomOf(path: string): string | undefined {
  if (path === "mod.ts") return path;
  return path.match(/^src\/(?:(\w+)\/.+|(\w+)\.ts)$/)?.slice(1).find((name) => name !== undefined);
}

function mayImport(path: string, room: string, { name, kind }: Use): boolean {
  if (!/^\.{1,2}\//.test(name)) {
    if (ALSO[path]?.includes(name)) return true;
    const packageName = name.match(/^(?:@[^/]+\/)?[^/]+/)?.[0] ?? name;
    if (kind !== "import" && ON_DEMAND[path]?.includes(packageName)) return true;
    return MAY_IMPORT[room].some((rule) =>
      rule === packageName || (rule.endsWith("/*") && packageName.startsWith(rule.slice(0, -1)))
    );
  }
  const target = new URL(name, `file:///${path}`).pathname.slice(1);
  const targetRoom = roomOf(target);
  return targetRoom !== undefined &&
    (targetRoom === room || MAY_IMPORT[room].includes(targetRoom) ||
      MAY_IMPORT[room].includes(target.replace(/^src\//, "")));
}

/** Every import of a file (static, re-export, dynamic, of types) and every foreign global. */
function usesOf(path: string, source: string): Use[] {
  const uses: Use[] = [];
  const add = (name: unknown, kind: Use["kind"]) =>
    uses.push({ name: typeof name === "string" ? name : "something computed", kind });
  const rule: Deno.lint.Rule = {
    create: () => ({
      ImportDeclaration({ source, importKind }) {
        add(source.value, importKind === "type" ? "type import" : "import");
      },
      ExportAllDeclaration: ({ source }) => add(source.value, "import"),
      ExportNamedDeclaration({ source }) {
        if (source) add(source.value, "import");
      },
      ImportExpression({ source }) {
        add(source.type === "Literal" ? source.value : undefined, "dynamic import");
      },
      TSImportType({ argument }) {
        const literal = argument.type === "TSLiteralType" ? argument.literal : undefined;
        add(literal?.type === "Literal" ? literal.value : undefined, "type import");
      },
      TSImportEqualsDeclaration: () => add("import … = require()", "import"),
      Identifier(node) {
        if (FOREIGN_GLOBALS.some((name) => name === node.name) && !isOwnName(node)) {
          add(node.name, "global");
        }
      },
    }),
  };
  Deno.lint.runPlugin({ name: "rooms", rules: { uses: rule } }, path, source);
  return uses;
}

/** Whether an identifier names a member of something, as in `a.process` or `{ process: 1 }`. */
function isOwnName(node: Deno.lint.Identifier): boolean {
  const parent = node.parent;
  switch (parent.type) {
    case "MemberExpression":
      return parent.property === node && !parent.computed &&
        !(parent.object.type === "Identifier" && parent.object.name === "globalThis");
    case "Property":
      return parent.key === node && !parent.computed && !parent.shorthand;
    case "PropertyDefinition":
    case "MethodDefinition":
    case "TSPropertySignature":
    case "TSMethodSignature":
      return parent.key === node && !parent.computed;
    default:
      return false;
  }
}
