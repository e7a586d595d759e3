/** Media types, as they may stand in a header: RFC 9110, 8.3.1. */

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const QUOTED = '"(?:[\\x20\\x21\\x23-\\x5b\\x5d-\\x7e]|\\\\[\\x20-\\x7e])*"';
const MEDIA_TYPE = new RegExp(
  `^${TOKEN}/${TOKEN}(?:[ \\t]*;[ \\t]*(?:${TOKEN}=(?:${TOKEN}|${QUOTED}))?)*[ \\t]*$`,
);

/**
 * Whether a text is one media type, with or without parameters: printable, on one line, of at most 255 characters, and no
 * list of several, of which a browser would take the last.
 */
export function isMediaType(value: unknown): value is string {
  return typeof value === "string" && value.length <= 255 && MEDIA_TYPE.test(value);
}
