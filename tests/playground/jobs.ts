/** Uploads to make code of: every way, and every option with each of its values somewhere. */

import type { Choice, Way } from "../../examples/playground/choice.ts";
import type { Job } from "../../examples/playground/code.ts";

/** The address of a playground. */
export const BASE: string = "https://page.example/a/t/0123456789abcdef0123456789abcdef/";

/** The uploads. */
export const JOBS: readonly Job[] = (["proxy", "google", "x-goog-upload", "tus"] satisfies Way[])
  .flatMap((way): Choice[] => [
    { way, stream: false, chunkSize: 1_048_576, checksum: "auto", retry: true },
    { way, stream: way !== "tus", chunkSize: null, checksum: "crc32c", retry: false },
    { way, stream: false, chunkSize: 262_144, checksum: "none", retry: true },
  ])
  .map((choice) => ({ ...choice, base: BASE, name: 'uploads/1/a "b" \u2028 ü.bin', type: "" }));
