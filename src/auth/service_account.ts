/** The key of a service account: what is in Google's file, read with the mistakes that deployments make in it. */

import {
  checkText,
  checkType,
  checkUniverse,
  invalid,
  kindOf,
  readCredentials,
} from "./credentials_json.ts";

/**
 * The key of a service account, as in the JSON file that Google Cloud hands out. Further members are ignored.
 *
 * Source: [service account keys](https://cloud.google.com/iam/docs/keys-create-delete).
 */
export interface ServiceAccountKey {
  /** `service_account`, where it is there. */
  readonly type?: string | undefined;
  /** The account, `name@project.iam.gserviceaccount.com`. */
  readonly client_email: string;
  /** The RSA key as PEM, PKCS #8. */
  readonly private_key: string;
  /** The ID of the key. Google finds the public key by it, so a self-signed token cannot do without. */
  readonly private_key_id?: string | undefined;
  /** Where an assertion is exchanged for a token. The default is `https://oauth2.googleapis.com/token`. */
  readonly token_uri?: string | undefined;
}

/** The address of an account or of a user. */
export const ADDRESS: RegExp = /^[\x21-\x3f\x41-\x7e]+@[\w.-]+$/;

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

/**
 * Reads a key. Throws a `TypeError` that names the member at fault, and never says what was in it.
 *
 * The private key itself is not looked into: that takes WebCrypto, which some runtimes refuse while a module loads.
 */
export function checkKey(credentials: unknown): CheckedKey {
  const key = readCredentials(credentials, "a service account key");
  checkType(key, "service_account");
  checkUniverse(key);
  const { client_email, private_key, private_key_id, token_uri } = key;
  if (typeof client_email !== "string" || !ADDRESS.test(client_email)) {
    throw invalid("client_email: expected the address of a service account", kindOf(client_email));
  }
  return {
    email: client_email,
    pem: checkPem(private_key),
    keyId: checkText(private_key_id, "private_key_id"),
    tokenUri: checkText(token_uri, "token_uri") ?? TOKEN_URI,
  };
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
