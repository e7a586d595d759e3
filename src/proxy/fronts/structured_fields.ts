/** The few kinds of Structured Fields (RFC 9651) that resumable uploads and digests are made of. */

const BARE_ITEM =
  /(?:-?\d[\d.]{0,15}|"(?:[ !#-[\]-~]|\\["\\])*"|[A-Za-z*][\w!#$%&'*+.^`|~:/-]*|:[A-Za-z0-9+/=]*:|\?[01])/
    .source;
/** Parameters say nothing that is of use here, and are no reason to pass a field over. */
const PARAMETERS = `(?:; *[a-z*][a-z0-9_.*-]*(?:=${BARE_ITEM})?)*`;
const INTEGER = new RegExp(`^ *(\\d{1,15})${PARAMETERS} *$`);
const BOOLEAN = new RegExp(`^ *\\?([01])${PARAMETERS} *$`);

/** An integer from 0 up; `undefined` where the field is missing or something else. */
export function integerField(headers: Headers, name: string): number | undefined {
  const digits = INTEGER.exec(headers.get(name) ?? "")?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** A boolean; `undefined` where the field is missing or something else. */
export function booleanField(headers: Headers, name: string): boolean | undefined {
  const bit = BOOLEAN.exec(headers.get(name) ?? "")?.[1];
  return bit === undefined ? undefined : bit === "1";
}

/** A boolean, written. */
export const writeBoolean = (value: boolean): string => value ? "?1" : "?0";

/** A dictionary of integers, written; what is not known is left out. */
export function writeIntegers(values: Readonly<Record<string, number | undefined>>): string {
  return Object.entries(values)
    .flatMap(([key, value]) => value === undefined ? [] : [`${key}=${value}`])
    .join(", ");
}

/** A byte sequence in a dictionary, in base64, such as that of `crc32c` in `Repr-Digest`. */
export function bytesOf(headers: Headers, name: string, key: string): string | undefined {
  const member = (headers.get(name) ?? "").split(",").findLast((member) =>
    member.trim().startsWith(`${key}=`)
  );
  return /^=:([A-Za-z0-9+/]*={0,2}):(?: *;.*)?$/.exec(member?.trim().slice(key.length) ?? "")?.[1];
}
