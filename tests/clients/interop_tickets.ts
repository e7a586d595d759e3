// The programs of docs/tickets.md that sign tickets without this library, in Node, Python and Go: the proxy takes what they sign.

import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { GcsEmulator } from "../../src/emulator/mod.ts";
import { createUploadProxy } from "../../src/worker.ts";
import { upload, UploadError } from "../../mod.ts";
import { has, runProgram } from "../support/programs.ts";

const SECRET = `${crypto.randomUUID()}ü`; // text: its UTF-8 is the key
const DOCUMENT = new URL("../../docs/tickets.md", import.meta.url);

const programs: readonly [language: string, info: string, file: string, command: string[]][] = [
  ["Node", "js ignore", "ticket.mjs", ["node"]],
  ["Python", "python", "ticket.py", ["python3"]],
  ["Go", "go", "ticket.go", ["go", "run"]],
];

for (const [language, info, file, [program, ...args]] of programs) {
  const ignore = !has(program, program === "go" ? "version" : "--version");
  if (ignore) console.log(`tickets in ${language} are left out: there is no \`${program}\``);
  Deno.test({
    name:
      `a ticket that ${language} has signed starts an upload of its own object, and of no other`,
    ignore,
    async fn() {
      const document = await Deno.readTextFile(DOCUMENT);
      const [, code] = new RegExp(`^\`\`\`${info}\n([^]*?)^\`\`\``, "m").exec(document)!;
      const folder = await Deno.makeTempDir({ prefix: "ticket-" });
      try {
        await Deno.writeTextFile(`${folder}/${file}`, code);
        const env = { TICKET_SECRET: SECRET };
        const printed = await runProgram(program, [...args, file], { cwd: folder, env });
        await use(printed.trim());
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
  });
}

async function use(ticket: string): Promise<void> {
  const gcs = new GcsEmulator();
  const proxy = createUploadProxy({
    transport: gcs.fetch,
    fetch: gcs.fetch,
    bucket: "my-bucket",
    sessionSecrets: ["AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"],
    tickets: { secret: SECRET },
  });
  const options = {
    endpoint: "https://proxy.example",
    bucket: "my-bucket",
    headers: { authorization: `Bearer ${ticket}` },
    transport: (url: string, init: RequestInit) => proxy.fetch(new Request(url, init)),
  };
  const { object } = JSON.parse(
    atob(ticket.split(".")[1].replaceAll("-", "+").replaceAll("_", "/")),
  );
  assertMatch(object, /^users\/17\/[^/]+\/photo\.jpg$/);
  assertEquals((await upload("hello", { ...options, name: object })).size, "5");
  const other = upload("hello", { ...options, name: `${object}.exe` });
  assertEquals((await assertRejects(() => other, UploadError)).status, 403);
}
