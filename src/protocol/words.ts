/** What servers and transports say, made fit for an error: one bounded line without URLs, sessions and tokens. */

/** The most characters that are quoted. */
const MAX_LENGTH = 300;

/** Takes out what is or may be a secret. */
export function withoutSecretWords(text: string, secrets: readonly string[] = []): string {
  const line = secrets.reduce(without, text)
    .replace(/\b[a-z][a-z0-9+.-]{0,20}:\/\/[^\s"')\]}>]+/gi, "(URL)")
    .replace(/\b(upload_?id)=[^\s"']+/gi, "$1=…")
    .replace(/\b(bearer|basic)\s+[\w.~+/=-]+/gi, "$1 …")
    .replace(/\b(?:ya29\.|eyJ)[\w.~+/=-]*|[\w.~+/=-]{80,}/g, "…")
    .replace(/\s+/g, " ");
  return line.length > MAX_LENGTH ? `${line.slice(0, MAX_LENGTH)}…` : line;
}

/** A text without every place of another one, in whatever case it is written. */
function without(text: string, secret: string): string {
  const parts: string[] = [];
  const [inText, inSecret] = [text.toLowerCase(), secret.toLowerCase()];
  // Lower case may have another length in a few languages: then the places would be wrong.
  if (inText.length !== text.length) return text.replaceAll(secret, "…");
  let from = 0;
  for (let at = inText.indexOf(inSecret); at >= 0; at = inText.indexOf(inSecret, from)) {
    parts.push(text.slice(from, at));
    from = at + secret.length;
  }
  return [...parts, text.slice(from)].join("…");
}
