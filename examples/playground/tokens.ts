/** Which parts of a request are secrets. Here all of them are made up; with Google none of this is shown to anybody. */

/** A part of a text. */
export interface Part {
  readonly text: string;
  /** What secret it is; absent where it is none. */
  readonly secret?: "ticket" | "access token" | "session";
}

/** Tickets are JWTs of three parts; the proxy's sealed sessions have five, and stand where Google's identifiers do. */
const SECRETS =
  /(?<=\bBearer )\S+|(?<=[?&]upload_id=)[^&\s"]+|\beyJ[\w-]+\.[\w-]+\.[\w-]+(?![\w.-])/g;

/** A text in its parts. */
export function partsOf(text: string): Part[] {
  const parts: Part[] = [];
  let at = 0;
  for (const match of text.matchAll(SECRETS)) {
    if (match.index > at) parts.push({ text: text.slice(at, match.index) });
    parts.push({ text: match[0], secret: kindOf(match[0], text.slice(0, match.index)) });
    at = match.index + match[0].length;
  }
  if (at < text.length) parts.push({ text: text.slice(at) });
  return parts;
}

function kindOf(value: string, before: string): NonNullable<Part["secret"]> {
  if (before.endsWith("upload_id=")) return "session";
  return value.startsWith("eyJ") ? "ticket" : "access token";
}

/** A secret as it is shown: its beginning and its end. */
export function shortened(secret: string): string {
  return secret.length > 26 ? `${secret.slice(0, 12)}…${secret.slice(-8)}` : secret;
}
