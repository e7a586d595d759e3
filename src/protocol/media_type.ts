/** Media types, as they may stand in a header: RFC 9110, 8.3.1. */

/** The media type of bytes of which nothing is known. */
export const OCTET_STREAM = "application/octet-stream";

const TOKEN = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y;
const QUOTED = /"(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\[\x20-\x7e])*"/y;
const BLANKS = /[ \t]*/y;
const SLASH = /\//y, SEMICOLON = /;/y, EQUALS = /=/y;

/**
 * Whether a text is one media type, with or without parameters: printable, on one line, of at most 255 characters, and no
 * list of several, of which a browser would take the last.
 */
export function isMediaType(value: unknown): value is string {
  if (typeof value !== "string" || value.length > 255) return false;
  // Read from left to right, so that the time it takes is linear whatever the text.
  const text = new Reader(value);
  if (!text.take(TOKEN) || !text.take(SLASH) || !text.take(TOKEN)) return false;
  for (text.take(BLANKS); text.take(SEMICOLON); text.take(BLANKS)) {
    text.take(BLANKS);
    const isParameter = text.take(TOKEN);
    if (isParameter && !(text.take(EQUALS) && (text.take(TOKEN) || text.take(QUOTED)))) {
      return false;
    }
  }
  return text.atEnd;
}

/**
 * The media type that a Blob means: its own where that can stand in a header; else its essence, without the parameters
 * (recorders of browsers write `video/webm;codecs=vp8,opus`); else none is known.
 */
export function cleanMediaType(type: string): string {
  const candidates = [type, type.split(";", 1)[0].trim()];
  return candidates.find(isMediaType) ?? OCTET_STREAM;
}

/** A text that is read from its start. */
class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get atEnd(): boolean {
    return this.#at === this.#text.length;
  }

  /** Moves on behind what a sticky expression matches here; returns whether it does. */
  take(expression: RegExp): boolean {
    expression.lastIndex = this.#at;
    const found = expression.test(this.#text);
    if (found) this.#at = expression.lastIndex;
    return found;
  }
}
