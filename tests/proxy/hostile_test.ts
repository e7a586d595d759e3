// Each hostile request has the answer that docs/security.md lists, stores nothing more, and shows no secret.

import { assertEquals } from "@std/assert";
import { attack } from "./hostile/case.ts";
import { CASES } from "./hostile/cases.ts";
import { DOCUMENT, rowsOfCases, rowsOfDocument } from "./hostile/table.ts";

for (const [subject, cases] of CASES) {
  for (const hostile of cases) {
    const name = `${subject}: ${hostile.attack}: ${hostile.answer}, no secret, ${
      hostile.stored ?? "nothing"
    } stored`;
    Deno.test(name, () => attack(hostile));
  }
}

Deno.test("docs/security.md lists the hostile requests with their answers", async () => {
  assertEquals(rowsOfDocument(await Deno.readTextFile(DOCUMENT)), rowsOfCases());
});

Deno.test("no two hostile requests of a subject are called the same", () => {
  const names = CASES.flatMap(([subject, cases]) => cases.map(({ attack }) => subject + attack));
  assertEquals(new Set(names).size, names.length);
});
