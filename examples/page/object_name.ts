/** The names of objects. */

/** A name that no other object has, with the file's own name at its end, so that it can be recognised. */
export function objectName(file: string): string {
  const clean = file.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]/gu, " ").replaceAll("/", "_").trim();
  const short = [...clean].slice(-120).join("");
  return `uploads/${crypto.randomUUID().slice(0, 8)}/${short || "unnamed"}`;
}
