/** What a client may decide about an object: its name, its type, and the fields that a grant opens. */

import { badRequest, forbidden, quote } from "./http_error.ts";

/** Fields that say what the bytes are. Every client may set them. */
const ALWAYS = ["bucket", "contentType", "crc32c", "md5Hash", "name"];

/** Fields that a client may set where they are opened. Custom metadata is opened as a whole, or key by key (`metadata.author`). */
const OPENABLE = [
  "cacheControl",
  "contentDisposition",
  "contentEncoding",
  "contentLanguage",
  "customTime",
  "metadata",
];

/** Keys of custom metadata that mean something to others: a permanent public link in Firebase, and what Google keeps for itself. */
const RESERVED_KEY = /^(?:firebasestoragedownloadtokens|goog-reserved-.*)$/;

/** A key of custom metadata: it becomes a header's name. */
const KEY = /^[\w!#$%&'*+.^`|~-]{1,128}$/;

/** The most bytes of everything that a client sets besides the name, in UTF-8: Google's own limit of custom metadata. */
const MAX_VALUES = 8192;

/** Controls, separators of lines, and what is not seen or turns the direction of text. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

/** What ends a line, or is a command to somebody's terminal. */
const BREAKS_LINE = /[\p{Cc}\p{Zl}\p{Zp}]/u;

/** Types that a browser runs or lets run, which no wildcard covers: pages, styled XML, scripts, archives of pages. */
const RUN_BY_BROWSERS =
  /^(?:[^/]+\/(?:.*\+)?xml|text\/(?:html|xsl|cache-manifest|(?:x-)?(?:java|ecma|live|j)script.*)|application\/(?:xhtml.*|(?:x-)?(?:java|ecma)script|x-shockwave-flash|x-mimearchive)|message\/.*|multipart\/.*)$/;

/** Whether a text names a field that can be opened. */
export function isOpenable(field: unknown): field is string {
  if (typeof field !== "string") return false;
  if (OPENABLE.includes(field)) return true;
  const key = /^metadata\.(.+)$/.exec(field)?.[1];
  return key !== undefined && KEY.test(key) && !RESERVED_KEY.test(key.toLowerCase());
}

/** Whether a text is a media type, or a kind of them such as `image/*`. */
export function isTypePattern(pattern: unknown): pattern is string {
  return typeof pattern === "string" &&
    /^[\w!#$&^.+-]+\/(?:[\w!#$&^.+-]+|\*)(?:;.{0,100})?$/.test(pattern);
}

/** The fields that are open: those of the grant, or without any those of the proxy; of both, those in common. */
export function openFields(
  granted: readonly string[] | undefined,
  limit: readonly string[] | undefined,
): readonly string[] {
  if (!granted || !limit) return granted ?? limit ?? [];
  return [
    ...granted.filter((field) => covers(limit, field)),
    ...limit.filter((field) => covers(granted, field)),
  ];
}

function covers(fields: readonly string[], field: string): boolean {
  return fields.includes(field) || (field.startsWith("metadata.") && fields.includes("metadata"));
}

/** Whether a client may set, and see, a field. */
export function isOpen(fields: readonly string[], field: string): boolean {
  return ALWAYS.includes(field) || covers(fields, field);
}

/**
 * Refuses what a client sets and may not. What the ticket sets itself is left alone, since the ticket's value is stored.
 *
 * @param requested the client's object resource
 * @param granted the ticket's
 */
export function checkFields(
  requested: Readonly<Record<string, unknown>>,
  granted: Readonly<Record<string, unknown>>,
  fields: readonly string[],
): void {
  let bytes = 0;
  const own = new Set(Object.keys(granted.metadata ?? {}).map((key) => key.toLowerCase()));
  const check = (field: string, value: unknown, isGranted: boolean) => {
    if (typeof value !== "string" || BREAKS_LINE.test(value)) {
      throw badRequest(`The metadata field ${quote(field)} must be a text on one line`);
    }
    if (!isGranted && !isOpen(fields, field)) {
      throw forbidden(`The ticket does not allow to set ${quote(field)}`);
    }
    if (field !== "name") bytes += new TextEncoder().encode(field + value).length;
  };
  for (const [field, value] of Object.entries(requested)) {
    if (field !== "metadata") check(field, value, field in granted);
  }
  for (const [key, value] of Object.entries(requested.metadata ?? {})) {
    if (!KEY.test(key)) throw badRequest(`The metadata key ${quote(key)} is no name of a header`);
    if (RESERVED_KEY.test(key.toLowerCase())) {
      throw forbidden(`The metadata key ${quote(key)} is reserved`);
    }
    check(`metadata.${key}`, value, own.has(key.toLowerCase()));
  }
  if (bytes > MAX_VALUES) {
    throw badRequest(`At most ${MAX_VALUES} bytes of metadata are allowed, got ${bytes}`);
  }
}

/** Refuses a name that the client has chosen and that means something else to those who look at it, or copy it to a disk. */
export function checkChosenName(name: string): void {
  if (UNPRINTABLE.test(name)) {
    throw forbidden(`The object name ${quote(name)} has characters that are not seen`);
  }
  const isRelative = readings(name).some((reading) =>
    reading.split(/[/\\]/).some((part) => /^\.{1,2}$/.test(part.trim()))
  );
  if (isRelative) {
    throw forbidden(`The object name ${quote(name)} has a part that is a relative path`);
  }
}

/** Refuses a name that would be a command to somebody's terminal, whoever has chosen it. */
export function checkName(name: string): void {
  if (BREAKS_LINE.test(name)) {
    throw forbidden(`The object name ${quote(name)} has control characters`);
  }
}

/** A name as others may read it: percent-decoded as often as it can be, and with its compatibility characters replaced. */
function readings(name: string): string[] {
  const all: string[] = [];
  // Each round makes it shorter, but for the first.
  for (let reading = name; !all.includes(reading);) {
    all.push(reading);
    reading = reading.normalize("NFKC").replace(
      /%([0-7][0-9a-f])/gi,
      (_, hex) => String.fromCharCode(parseInt(hex, 16)),
    );
    if (all.length > 8) throw forbidden(`The object name ${quote(name)} is encoded too often`);
  }
  return all;
}

/** Refuses a media type that is none of those allowed. */
export function checkType(contentType: string, types: readonly string[] | undefined): void {
  if (types && !types.some((type) => matchesType(type, contentType))) {
    throw forbidden(`The media type ${quote(contentType)} is not allowed`);
  }
}

/** Refuses a pattern in place of a type: what would be stored is none. */
export function checkNoPattern(contentType: string): void {
  if (essence(contentType).includes("*")) {
    throw badRequest(`Expected one media type, got the pattern ${quote(contentType)}`);
  }
}

/** Whether a media type is `pattern`, or of its kind when that ends in `/*`; parameters and case do not count. */
function matchesType(pattern: string, contentType: string): boolean {
  const [expected, actual] = [pattern, contentType].map(essence);
  if (!expected.endsWith("/*")) return actual === expected;
  return actual.startsWith(expected.slice(0, -1)) && !RUN_BY_BROWSERS.test(actual);
}

function essence(type: string): string {
  return type.split(";")[0].trim().toLowerCase();
}
