// The portable cases of the emulator, in Deno.

import { emulator } from "./portable.ts";

for (const { name, run } of emulator) {
  Deno.test(name, async () => {
    await run({ runtime: "deno", origin: "http://127.0.0.1" } as Parameters<typeof run>[0]);
  });
}
