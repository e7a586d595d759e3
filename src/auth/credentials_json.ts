/** Credentials as JSON: read with the mistakes that deployments make in it, and checked without saying what is in it. */

/** Where requests of other clouds than Google's own would go; there is no endpoint for them here. */
const UNIVERSE = "googleapis.com";

/** Kinds of credentials, which an error may name. */
const TYPES = [
  "service_account",
  "authorized_user",
  "external_account",
  "impersonated_service_account",
  "external_account_authorized_user",
  "gdch_service_account",
];

/** The members of credentials, unchecked. */
export type CredentialsJson = Readonly<Record<string, unknown>>;

/** An error about credentials: the member at fault, and never its value. */
export function invalid(expected: string, actual: string): TypeError {
  return new TypeError(`credentials: ${expected}, got ${actual}`);
}

/** What a value is, without the value. */
export function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (value === "") return "an empty string";
  if (Array.isArray(value)) return "an array";
  return typeof value === "string" ? "another string" : typeof value;
}

/** The members of credentials that are JSON, or an object already. `what` names them in errors. */
export function readCredentials(credentials: unknown, what: string): CredentialsJson {
  const value = typeof credentials === "string" ? parse(credentials, what) : credentials;
  if (isObject(value)) return value;
  throw invalid(`expected the JSON of ${what}, or the object in it`, kindOf(value));
}

/** Whether a value is an object with members. */
export function isObject(value: unknown): value is CredentialsJson {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Line breaks inside a private key are allowed: tools that expand `\n` in environment variables leave them there, where
 * JSON has none.
 */
function parse(text: string, what: string): unknown {
  const json = text.replace(/^\ufeff/, "")
    .replace(/-----BEGIN[^"]*/, (pem) => pem.replace(/\r?\n/g, "\\n"));
  try {
    return JSON.parse(json);
  } catch { // its message quotes the text, so it is not for others
    const actual = text.trim() === ""
      ? "an empty string"
      : "a string that is not JSON (what is in the file, not its path)";
    throw invalid(`expected the JSON of ${what}`, actual);
  }
}

/** The kind of credentials, as far as an error may name it. */
export function describeType(type: unknown): string {
  return typeof type === "string" && TYPES.includes(type) ? JSON.stringify(type) : "another one";
}

/** Refuses credentials of another kind; the kind may be left out. */
export function checkType({ type }: CredentialsJson, expected: string): void {
  if (type === undefined || type === expected) return;
  throw invalid(
    `type: expected "${expected}"`,
    `${describeType(type)} (credentialsTransport looks at the type)`,
  );
}

/** Refuses credentials of another cloud. */
export function checkUniverse({ universe_domain }: CredentialsJson): void {
  if (universe_domain === undefined || universe_domain === UNIVERSE) return;
  throw invalid(`universe_domain: expected "${UNIVERSE}"`, "another one");
}

/** A member that is visible ASCII, if it is there. */
export function checkText(value: unknown, name: string): string | undefined {
  if (value === undefined || (typeof value === "string" && /^[\x21-\x7e]+$/.test(value))) {
    return value;
  }
  throw invalid(`${name}: expected visible ASCII`, kindOf(value));
}

/** A member that must be there, and is visible ASCII. */
export function requireText(json: CredentialsJson, name: string): string {
  const text = checkText(json[name], name);
  if (text === undefined) throw invalid(`${name}: expected visible ASCII`, "undefined");
  return text;
}
