/** What servers and transports say, made fit for an error: one bounded line without URLs, sessions and tokens. */

/** The most characters that are quoted. */
const MOST = 300;

/** Takes out what is or may be a secret. */
export function withoutSecretWords(text: string, secrets: readonly string[] = []): string {
  const line = secrets.reduce((words, secret) => words.replaceAll(secret, "…"), text)
    .replace(/\b[a-z][a-z0-9+.-]{0,20}:\/\/[^\s"')\]}>]+/gi, "(URL)")
    .replace(/\bupload_id=[^\s"']+/gi, "upload_id=…")
    .replace(/\b(bearer|basic)\s+[\w.~+/=-]+/gi, "$1 …")
    .replace(/\b(?:ya29\.|eyJ)[\w.~+/=-]*|[\w.~+/=-]{80,}/g, "…")
    .replace(/\s+/g, " ");
  return line.length > MOST ? `${line.slice(0, MOST)}…` : line;
}
