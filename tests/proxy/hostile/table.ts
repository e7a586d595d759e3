// The table of hostile requests in docs/security.md: `deno run -A tests/proxy/hostile/table.ts` writes it.

import { CASES } from "./cases.ts";

/** Where the table is. */
export const DOCUMENT: URL = new URL("../../../docs/security.md", import.meta.url);
const BEGIN = "<!-- hostile requests: begin -->", END = "<!-- hostile requests: end -->";

/** The rows as the cases say, each of four cells. */
export function rowsOfCases(): string[][] {
  return CASES.flatMap(([subject, cases]) =>
    cases.map(({ attack, answer, google = "nothing", stored = "nothing" }) => [
      subject,
      attack,
      answer,
      google,
      stored,
    ])
  );
}

/** The rows as they stand in the document. */
export function rowsOfDocument(text: string): string[][] {
  const [, table] = aroundTable(text);
  return table.split("\n").filter((line) => line.startsWith("|")).slice(2).map((line) =>
    line.split("|").slice(1, -1).map((cell) => cell.trim())
  );
}

/** What is before the table, the table, and what is after it. */
function aroundTable(text: string): [before: string, table: string, after: string] {
  const begin = text.indexOf(BEGIN) + BEGIN.length, end = text.indexOf(END);
  if (begin < BEGIN.length || end < begin) {
    throw new Error("docs/security.md: the table's marks are missing");
  }
  return [text.slice(0, begin), text.slice(begin, end), text.slice(end)];
}

if (import.meta.main) {
  const [before, , after] = aroundTable(await Deno.readTextFile(DOCUMENT));
  const head = [["about", "attack", "answer", "reaches Google", "is stored"], Array(5).fill("---")];
  const table = [...head, ...rowsOfCases()].map((row) => `| ${row.join(" | ")} |`).join("\n");
  await Deno.writeTextFile(DOCUMENT, `${before}\n\n${table}\n\n${after}`);
  await new Deno.Command(Deno.execPath(), { args: ["fmt", "--quiet", DOCUMENT.pathname] }).output();
}
