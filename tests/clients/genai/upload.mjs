// An upload with @google/genai, in Node: `node upload.mjs '{"origin": …, "size": …}'` prints what came of it; with a `key` it
// is sent in the place of Gemini's.

import process from "node:process";
import { GoogleGenAI } from "@google/genai";

const { origin, size, key = "key", type = "application/pdf" } = JSON.parse(process.argv[2]);
const bytes = new Uint8Array(size);
for (let at = 0; at < size; at++) bytes[at] = at % 251;
const client = new GoogleGenAI({ apiKey: key, httpOptions: { baseUrl: origin } });

try {
  const file = await client.files.upload({
    file: new Blob([bytes], { type }),
    config: { displayName: "paper" },
  });
  console.log(`ok: ${file?.sizeBytes} bytes`);
} catch (error) {
  console.log(`${error.name}: ${error.message.split("\n")[0].slice(0, 90)}`);
}
