/** Secrets that are none: what stands in documents, and what somebody has typed. */

import { SettingError } from "./setting_error.ts";

/** The examples of the documents, which everybody has. */
const EXAMPLES = [
  "0123456789abcdef0123456789abcdef",
  "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
];

/** Longer texts that stand there twice may be random. */
const MAX_PERIOD = 16;

/** Refuses bytes that repeat themselves, as no random ones do. The error does not show them. */
export function checkRandom(setting: string, bytes: Uint8Array): void {
  const repeats = (period: number) =>
    bytes.every((byte, index) => index < period || byte === bytes[index - period]);
  for (let period = 1; period <= MAX_PERIOD; period++) {
    if (repeats(period)) throw new SettingError(setting, "random bytes, got some that repeat");
  }
}

/** Refuses a setting that holds the example of a document. */
export function checkNoExample(setting: string, value: string): void {
  const isExample = value.split(",").some((part) => EXAMPLES.includes(part.trim()));
  if (isExample) {
    throw new SettingError(setting, "a secret of your own, got the example of a document");
  }
}
