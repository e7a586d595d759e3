/** Media types, as they may stand in a header: RFC 9110, 8.3.1. */

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const QUOTED = '"(?:[\\x20\\x21\\x23-\\x5b\\x5d-\\x7e]|\\\\[\\x20-\\x7e])*"';
const TYPE = new RegExp(`^${TOKEN}/${TOKEN}`);
const PARAMETER = `[ \\t]*;[ \\t]*(?:${TOKEN}=(?:${TOKEN}|${QUOTED}))?`;

/**
 * Whether a text is one media type, with or without parameters: printable, on one line, of at most 255 characters, and no
 * list of several, of which a browser would take the last.
 */
export function isMediaType(value: unknown): value is string {
  if (typeof value !== "string" || value.length > 255) return false;
  // Parameter by parameter: one expression for all of them could take blanks between them in exponentially many ways.
  const parameter = new RegExp(PARAMETER, "y");
  let end = TYPE.exec(value)?.[0].length ?? 0;
  if (end === 0) return false;
  for (parameter.lastIndex = end; parameter.test(value);) end = parameter.lastIndex;
  return /^[ \t]*$/.test(value.slice(end));
}
