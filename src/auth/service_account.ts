/** The key of a service account: what is in Google's file, read with the mistakes that deployments make in it. */

/**
 * The key of a service account, as in the JSON file that Google Cloud hands out. Further members are ignored.
 *
 * Source: [service account keys](https://cloud.google.com/iam/docs/keys-create-delete).
 */
export interface ServiceAccountKey {
  /** `service_account`, where it is there. */
  readonly type?: string;
  /** The account, `name@project.iam.gserviceaccount.com`. */
  readonly client_email: string;
  /** The RSA key as PEM, PKCS #8. */
  readonly private_key: string;
  /** The ID of the key. Google finds the public key by it, so a self-signed token cannot do without. */
  readonly private_key_id?: string;
  /** Where an assertion is exchanged for a token. The default is `https://oauth2.googleapis.com/token`. */
  readonly token_uri?: string;
}

/** A key that has been checked. */
export interface CheckedKey {
  readonly email: string;
  /** PEM, PKCS #8, one line. */
  readonly pem: string;
  readonly keyId: string | undefined;
  readonly tokenUri: string;
}

/** Where assertions go to, unless the key says otherwise; and their audience, in any case. */
export const TOKEN_URI = "https://oauth2.googleapis.com/token";

/** Kinds of credentials that are mistaken for a key, and that an error may name. */
const OTHER_TYPES = [
  "authorized_user",
  "external_account",
  "external_account_authorized_user",
  "impersonated_service_account",
  "gdch_service_account",
];

/**
 * Reads a key. Throws a `TypeError` that names the member at fault, and never says what was in it.
 *
 * The private key itself is not looked into: that takes WebCrypto, which some runtimes refuse while a module loads.
 */
export function checkKey(credentials: string | ServiceAccountKey): CheckedKey {
  const key = typeof credentials === "string" ? parseKey(credentials) : credentials;
  if (typeof key !== "object" || key === null || Array.isArray(key)) {
    throw invalid("expected the JSON of a service account key, or the object in it", kindOf(key));
  }
  const { type, client_email, private_key, private_key_id, token_uri } = key;
  if (type !== undefined && type !== "service_account") {
    const other = OTHER_TYPES.includes(type) ? JSON.stringify(type) : "another one";
    throw invalid(`type: expected "service_account"`, other);
  }
  if (typeof client_email !== "string" || !/^[\x21-\x3f\x41-\x7e]+@[\w.-]+$/.test(client_email)) {
    throw invalid("client_email: expected the address of a service account", kindOf(client_email));
  }
  return {
    email: client_email,
    pem: checkPem(private_key),
    keyId: checkText(private_key_id, "private_key_id"),
    tokenUri: checkText(token_uri, "token_uri") ?? TOKEN_URI,
  };
}

function invalid(expected: string, actual: string): TypeError {
  return new TypeError(`credentials: ${expected}, got ${actual}`);
}

/** What a value is, without the value. */
function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (value === "") return "an empty string";
  if (Array.isArray(value)) return "an array";
  return typeof value === "string" ? "another string" : typeof value;
}

function checkText(value: unknown, name: string): string | undefined {
  if (value === undefined || (typeof value === "string" && /^[\x21-\x7e]+$/.test(value))) {
    return value;
  }
  throw invalid(`${name}: expected visible ASCII`, kindOf(value));
}

/**
 * The JSON of a key. Line breaks inside the private key are allowed: tools that expand `\n` in environment variables
 * leave them there, where JSON has none.
 */
function parseKey(text: string): ServiceAccountKey {
  const json = text.replace(/^\ufeff/, "")
    .replace(/-----BEGIN[^"]*/, (pem) => pem.replace(/\r?\n/g, "\\n"));
  try {
    return JSON.parse(json);
  } catch { // its message quotes the text, so it is not for others
    const actual = text.trim() === "" ? "an empty string" : "a string that is not JSON";
    throw invalid("expected the JSON of a service account key", actual);
  }
}

/** A private key in one line. The line breaks may be breaks, a backslash and an `n`, spaces, or gone. */
function checkPem(value: unknown): string {
  const expected = 'private_key: expected PEM that begins with "-----BEGIN PRIVATE KEY-----"';
  if (typeof value !== "string") throw invalid(expected, kindOf(value));
  const text = value.replace(/(?<!\\)\\+[rn]/g, "\n");
  const label = /-----BEGIN ((?:RSA |EC |ENCRYPTED )?PRIVATE KEY)-----/.exec(text)?.[1];
  if (label !== undefined && label !== "PRIVATE KEY") {
    throw invalid(expected, `${label}, which "openssl pkcs8 -topk8 -nocrypt" converts`);
  }
  const pem = /-----BEGIN PRIVATE KEY-----([A-Za-z0-9+/=\s]+)-----END PRIVATE KEY-----/.exec(text);
  const body = pem?.[1].replace(/\s/g, "");
  if (!body || !/^[A-Za-z0-9+/]+={0,2}$/.test(body)) {
    throw invalid(expected, label ? "a damaged one" : kindOf(value));
  }
  return `-----BEGIN PRIVATE KEY-----${body}-----END PRIVATE KEY-----`;
}
