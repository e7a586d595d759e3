// A service account of the tests' own, and what Google would check of its tokens.

import { jwtVerify } from "jose";

/** The key as JSON, its private part on its own, and who may come in with it. */
export interface ServiceAccount {
  readonly json: string;
  /** The ID of the key, and a piece of the key. */
  readonly secrets: readonly string[];
  /** Whether a request has a token that this account has signed, as in AIP-4111. */
  authorize(request: Request): Promise<boolean>;
}

const EMAIL = "uploader@my-project.iam.gserviceaccount.com";
const KEY_ID = "0f1e2d3c4b5a";
const SCOPE = "https://www.googleapis.com/auth/devstorage.read_write";

/** Makes an account. */
export async function serviceAccount(): Promise<ServiceAccount> {
  const rsa = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256", modulusLength: 2048 };
  const { privateKey, publicKey } = await crypto.subtle.generateKey(
    { ...rsa, publicExponent: new Uint8Array([1, 0, 1]) },
    true,
    ["sign", "verify"],
  );
  const pkcs8 = new Uint8Array(await crypto.subtle.exportKey("pkcs8", privateKey));
  const base64 = btoa(String.fromCharCode(...pkcs8)).replace(/.{64}/g, "$&\n");
  const json = JSON.stringify({
    type: "service_account",
    client_email: EMAIL,
    private_key_id: KEY_ID,
    private_key: `-----BEGIN PRIVATE KEY-----\n${base64}\n-----END PRIVATE KEY-----\n`,
  });
  const verify = async (request: Request) => {
    const token = request.headers.get("authorization")?.match(/^Bearer (\S+)$/)?.[1] ?? "";
    const { payload, protectedHeader } = await jwtVerify(token, publicKey, {
      algorithms: ["RS256"],
      issuer: EMAIL,
      subject: EMAIL,
      requiredClaims: ["iat", "exp"],
    });
    return protectedHeader.kid === KEY_ID && payload.scope === SCOPE &&
      payload.exp! - payload.iat! <= 3600;
  };
  return {
    json,
    secrets: [KEY_ID, "PRIVATE KEY", base64.slice(130, 180)],
    authorize: (request) => verify(request).catch(() => false),
  };
}
