// Google for the soak test, in a process of its own: one request in a hundred goes wrong.

import { serveEmulator } from "../../src/emulator/serve.ts";
import { GcsEmulator } from "../../src/emulator/mod.ts";

const seed = Number(Deno.args[0]);
const gcs = new GcsEmulator({ seed, store: "discard", md5: false });
gcs.randomFaults({
  dropBefore: 0.002,
  dropAfter: 0.002,
  cut: 0.0015,
  status: 0.002,
  delay: 0.0015,
  corrupt: 0.0005,
  expire: 0.0005,
});
const { origin } = await serveEmulator(gcs);
console.log(origin);
