/** Checksums in other spellings than base64 of their bytes. */

/** Hexadecimal digits as base64 of the bytes; `undefined` for anything else. */
export function base64OfHex(hex: unknown): string | undefined {
  if (typeof hex !== "string" || !/^(?:[0-9a-f]{2})+$/i.test(hex)) return undefined;
  const bytes = hex.match(/../g)!.map((pair) => Number.parseInt(pair, 16));
  return btoa(String.fromCharCode(...bytes));
}

/** The text that base64 stands for; `undefined` where it is none. */
export function textOfBase64(text: unknown): string | undefined {
  try {
    return typeof text === "string" ? atob(text) : undefined;
  } catch {
    return undefined;
  }
}
