/**
 * Writes docs/reference: every entry point with what it exports, every option with its default, every error code, setting, claim,
 * field of the log and metric, from the comments in the source.
 *
 * Usage: `deno task reference [--check]`; with `--check` it fails where the documents are not what the source gives.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import ts from "typescript";
import manifest from "../deno.json" with { type: "json" };
import { CLAIMS } from "../src/proxy/ticket_claims.ts";
import { METRICS } from "../src/proxy/metrics.ts";
import { ROOT, run } from "./run.ts";

const FOLDER = "docs/reference/";

/** A document. */
interface Page {
  /** Its name in the folder. */
  readonly file: string;
  readonly text: string;
}

const path = (name: string): string => fileURLToPath(new URL(name, ROOT));

const program = ts.createProgram(Object.values(manifest.exports).map(path), {
  target: ts.ScriptTarget.ESNext,
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  lib: ["lib.esnext.d.ts", "lib.dom.d.ts", "lib.dom.iterable.d.ts", "lib.dom.asynciterable.d.ts"],
  types: [],
  strict: true,
  exactOptionalPropertyTypes: true,
  allowImportingTsExtensions: true,
  noEmit: true,
});
const checker = program.getTypeChecker();

/** Something that an entry point exports. */
interface Exported {
  readonly name: string;
  /** Where its declaration is, after any re-exports. */
  readonly symbol: ts.Symbol;
}

/** What an entry point exports, by name. */
function exportsOf(entry: string): Exported[] {
  const source = program.getSourceFile(path(entry));
  const module = source && checker.getSymbolAtLocation(source);
  if (!module) throw new Error(`${entry} is no module`);
  return checker.getExportsOfModule(module)
    .map((symbol) => ({
      name: symbol.name,
      symbol: symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol,
    }))
    .sort((a, b) => a.name < b.name ? -1 : 1);
}

/** The comment of a symbol, with links as code. */
function comment(symbol: ts.Symbol): string {
  return plain(ts.displayPartsToString(symbol.getDocumentationComment(checker)));
}

function plain(text: string): string {
  return text.replaceAll(
    /\{@link(?:code)? ([^}|\s]+)(?:\s*\|\s*([^}]+)|\s+([^}]*))?\}/g,
    (_, to, a, b) => {
      const words = (a || b || "").trim() || to;
      return /^https?:/.test(to) ? `[${words}](${to})` : `\`${words}\``;
    },
  );
}

function tag(symbol: ts.Symbol, name: string): string[] {
  return symbol.getJsDocTags(checker)
    .filter((one) => one.name === name)
    .map((one) => plain(ts.displayPartsToString(one.text)).trim());
}

/** A cell of a table. */
const cell = (text: string): string =>
  text.replaceAll(/\s*\n\s*/g, " ").replaceAll("|", "\\|").trim();

/** Words up to the first empty line. */
const opening = (text: string): string => text.split(/\n\s*\n/)[0];

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return "";
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(" | ")} |`;
  return `${[line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n")}\n\n`;
}

/** A member of an interface, of a class or of one side of a union. */
interface Member {
  readonly name: string;
  readonly type: string;
  readonly isOptional: boolean;
  readonly default: string;
  readonly text: string;
}

/** The members of a type, those of what it extends included; of a union those of every side. */
function membersOf(type: ts.Type): Member[] {
  const sides = type.isUnion() ? type.types : [type];
  const members = new Map<string, Member>();
  for (const side of sides) {
    for (const property of checker.getPropertiesOfType(side)) {
      const [declaration] = property.getDeclarations() ?? [];
      if (!declaration || property.name.startsWith("__") || property.name.startsWith("#")) continue;
      const text = comment(property);
      const { parent } = declaration;
      // Members of the platform's own types are described elsewhere.
      if (parent.getSourceFile().isDeclarationFile) continue;
      const shown = typeText(checker.getTypeOfSymbolAtLocation(property, declaration));
      if (shown === "undefined") continue;
      const known = members.get(property.name);
      if (known && known.text.length >= text.length) continue;
      members.set(property.name, {
        name: property.name,
        type: shown,
        isOptional: (property.flags & ts.SymbolFlags.Optional) !== 0,
        default: tag(property, "default")[0]?.replaceAll(/^\{|\}$/g, "") ?? "",
        text,
      });
    }
  }
  return [...members.values()];
}

function typeText(type: ts.Type): string {
  const flags = ts.TypeFormatFlags.NoTruncation |
    ts.TypeFormatFlags.UseAliasDefinedOutsideCurrentScope;
  return checker.typeToString(type, undefined, flags)
    .replaceAll(/import\("[^"]*"\)\./g, "")
    .replace(/ \| undefined$/, "");
}

/** The members of a type as a list: tables would be mostly blanks, as one long cell widens all. */
function memberList(type: ts.Type): string {
  const lines = membersOf(type).map((member) => {
    const optional = member.isOptional ? "?" : "";
    const value = member.default && ` = \`${member.default}\``;
    const text = member.text.replaceAll(/\s*\n\s*/g, " ");
    return `- \`${member.name}${optional}: ${member.type}\`${value}${text && ` — ${text}`}\n`;
  });
  return lines.length === 0 ? "" : `${lines.join("")}\n`;
}

/** `{TypeError} when …`, as a clause. */
function condition(text: string): string {
  return text.replaceAll("\n", " ").replace(/^\{(\w+)\}/, "`$1`:").replace(/\.$/, "");
}

/** What is written about one export. */
function section({ name, symbol }: Exported): string {
  const [declaration] = symbol.getDeclarations() ?? [];
  if (!declaration) return "";
  const text = comment(symbol);
  const thrown = tag(symbol, "throws");
  const throws = thrown.length > 0 ? `Throws: ${thrown.map(condition).join("; ")}.\n\n` : "";
  const title = `### ${name}\n\n`;
  if (ts.isFunctionDeclaration(declaration)) {
    const type = checker.getTypeOfSymbolAtLocation(symbol, declaration);
    const signatures = type.getCallSignatures().map((signature) =>
      `${name}${
        checker.signatureToString(signature, undefined, ts.TypeFormatFlags.NoTruncation)
          .replaceAll(/import\("[^"]*"\)\./g, "")
      }`
    );
    return `${title}\`\`\`ts ignore\n${signatures.join("\n")}\n\`\`\`\n\n${text}\n\n${throws}`;
  }
  if (ts.isInterfaceDeclaration(declaration) || ts.isTypeAliasDeclaration(declaration)) {
    const type = checker.getDeclaredTypeOfSymbol(symbol);
    const isObject =
      (type.flags & (ts.TypeFlags.Object | ts.TypeFlags.Union | ts.TypeFlags.Intersection)) !== 0;
    const members = isObject ? memberList(type) : "";
    return `${title}${text}\n\n${members}`;
  }
  if (ts.isClassDeclaration(declaration)) {
    return `${title}${text}\n\n${memberList(checker.getDeclaredTypeOfSymbol(symbol))}`;
  }
  return `${title}${text}\n\n`;
}

/** The comment at the top of a module, up to its first example. */
function moduleComment(entry: string): string {
  const source = program.getSourceFile(path(entry))!;
  const found = /^\/\*\*([\s\S]*?)\*\//.exec(source.text)?.[1] ?? "";
  const lines = found.split("\n").map((line) => line.replace(/^\s*\* ?/, ""));
  const end = lines.findIndex((line) => line.startsWith("@"));
  return plain(lines.slice(0, end < 0 ? undefined : end).join("\n")).trim();
}

function pageOf([name, entry]: readonly [string, string]): Page {
  const specifier = manifest.name + name.slice(1);
  const sections = exportsOf(entry).filter(({ name }) => name !== "default").map(section).join("");
  return {
    file: `${name === "." ? "upload" : name.slice(2).replaceAll("/", "-")}.md`,
    text: `# \`${specifier}\`\n\n${moduleComment(entry)}\n\n${sections}`,
  };
}

/** Tables of what is no export by itself. */
function wordsPage(): Page {
  const codes = exportsOf("./mod.ts").find(({ name }) => name === "UploadErrorCode")!;
  const grant = exportsOf("./src/worker.ts").find(({ name }) => name === "UploadGrant")!;
  const fields = new Map(
    membersOf(checker.getDeclaredTypeOfSymbol(grant.symbol)).map((m) => [m.name, m]),
  );
  const claims = Object.entries(CLAIMS).map(([claim, field]) => [
    `\`${claim}\``,
    `\`${field}\``,
    opening(fields.get(field)?.text ?? ""),
  ]);
  const log = exportsOf("./src/worker.ts").find(({ name }) => name === "UploadLogEntry")!;
  const metrics = Object.entries(METRICS).map(([name, help]) => [`\`${name}\``, help]);
  return {
    file: "words.md",
    text:
      "# Codes, claims, fields and metrics\n\nWords that programs compare, and that stand in tickets and logs.\n\n" +
      `## Error codes\n\n${comment(codes.symbol)}\n\n` +
      "## Claims of a ticket\n\nA grant in code has the names of the second column.\n\n" +
      table(["claim", "in a grant", "meaning"], claims) +
      `## Fields of the proxy's log\n\n${memberList(checker.getDeclaredTypeOfSymbol(log.symbol))}` +
      `## Metrics of the proxy\n\n${table(["metric", "meaning"], metrics)}`,
  };
}

function indexPage(pages: readonly Page[]): Page {
  const lines = pages.map(({ file, text }) => {
    const [heading, ...rest] = text.split("\n");
    const [first] = opening(rest.join("\n").trim()).replaceAll("\n", " ").split(/(?<=\.) /);
    return `- [${heading.slice(2)}](${file}): ${first}\n`;
  });
  return {
    file: "README.md",
    text:
      "# Reference\n\nMade by `deno task reference` from the comments in the source. A list has every member of a " +
      "type, what it inherits included; `?` marks what may be left out, `=` its default.\n\n" +
      lines.join(""),
  };
}

/** The documents as `deno fmt` has them. */
async function formatted(pages: readonly Page[]): Promise<Page[]> {
  const folder = await Deno.makeTempDir({ prefix: "reference-" });
  try {
    for (const { file, text } of pages) await Deno.writeTextFile(`${folder}/${file}`, text);
    const { code, output } = await run(["fmt", "--quiet", "--line-width=100", folder], {
      cwd: folder,
    });
    if (code !== 0) throw new Error(output);
    return await Promise.all(
      pages.map(async ({ file }) => ({ file, text: await Deno.readTextFile(`${folder}/${file}`) })),
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const entries = [...Object.entries(manifest.exports).map(pageOf), wordsPage()];
const pages = await formatted([indexPage(entries), ...entries]);
if (Deno.args.includes("--check")) {
  for (const { file, text } of pages) {
    const known = await Deno.readTextFile(path(FOLDER + file)).catch(() => "");
    if (known === text) continue;
    console.error(`${FOLDER}${file} is not what the source gives: run \`deno task reference\``);
    Deno.exitCode = 1;
  }
} else {
  await Deno.remove(path(FOLDER), { recursive: true }).catch(() => {});
  await Deno.mkdir(path(FOLDER), { recursive: true });
  for (const { file, text } of pages) await Deno.writeTextFile(path(FOLDER + file), text);
}
