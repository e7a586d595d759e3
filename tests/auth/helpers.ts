// A key, a fake `fetch` and the names that the tests of credentials share.

import { assertFalse } from "@std/assert";
import type { ServiceAccountKey, Transport } from "../../src/auth/mod.ts";

/** A key for tests, made at run time, with the public key that checks what it signs. */
export interface TestKey {
  readonly credentials: Required<ServiceAccountKey>;
  readonly publicKey: CryptoKey;
}

export const EMAIL = "uploader@my-project.iam.gserviceaccount.com";
export const KEY_ID = "4f2cd4f0b4d14e5eb0f57ab5f6d2d6a1";
export const TOKEN_URI = "https://oauth2.googleapis.com/token";

let made: Promise<TestKey> | undefined;

/** The key of all tests; making one takes a while. */
export const testKey = (): Promise<TestKey> => made ??= makeKey();

export async function makeKey(modulusLength = 2048): Promise<TestKey> {
  const { privateKey, publicKey } = await crypto.subtle.generateKey(
    {
      name: "RSASSA-PKCS1-v1_5",
      hash: "SHA-256",
      modulusLength,
      publicExponent: new Uint8Array([1, 0, 1]),
    },
    true,
    ["sign", "verify"],
  );
  const pkcs8 = new Uint8Array(await crypto.subtle.exportKey("pkcs8", privateKey));
  const lines = btoa(String.fromCharCode(...pkcs8)).match(/.{1,64}/g)!.join("\n");
  return {
    publicKey,
    credentials: {
      type: "service_account",
      client_email: EMAIL,
      private_key_id: KEY_ID,
      private_key: `-----BEGIN PRIVATE KEY-----\n${lines}\n-----END PRIVATE KEY-----\n`,
      token_uri: TOKEN_URI,
    },
  };
}

/** A request, as a fake `fetch` saw it. */
export interface Seen {
  readonly url: string;
  readonly method: string;
  /** The token of the `Authorization` header. */
  readonly token: string | undefined;
  readonly headers: Headers;
  readonly init: RequestInit;
  readonly text: string;
}

/** A `fetch` that answers by a function, and notes what it was asked. */
export function fakeFetch(
  answer: (seen: Seen, index: number) => Response | Promise<Response> = () => new Response("ok"),
): { fetch: Transport; seen: Seen[]; tokens: () => (string | undefined)[] } {
  const seen: Seen[] = [];
  return {
    seen,
    tokens: () => seen.map(({ token }) => token),
    async fetch(url, init) {
      const headers = new Headers(init.headers);
      const token = headers.get("authorization")?.match(/^Bearer (.+)$/)?.[1];
      const text = await new Response(init.body).text();
      const request = { url, method: init.method ?? "GET", token, headers, init, text };
      return await answer(request, seen.push(request) - 1);
    },
  };
}

/** A URL that needs a token. */
export const OBJECTS = "https://storage.googleapis.com/upload/storage/v1/b/my-bucket/o";

/** Lets everything happen that waits for nothing but promises. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await Promise.resolve();
}

/** The error that a promise rejects with, or that a function throws. */
export async function failure(task: Promise<unknown> | (() => unknown)): Promise<Error> {
  try {
    await (typeof task === "function" ? task() : task);
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error("expected an error");
}

/** Fails if a secret is anywhere in an error: message, stack, cause, or any other property. */
export function assertNoSecret(error: Error, ...secrets: string[]): void {
  const text = everything(error, new Set());
  for (const secret of secrets) {
    assertFalse(text.includes(secret), `a secret is in: ${text}`);
  }
}

function everything(value: unknown, known: Set<unknown>): string {
  if (typeof value !== "object" || value === null) return String(value);
  if (known.has(value)) return "";
  known.add(value);
  const names = Object.getOwnPropertyNames(value) as (keyof typeof value)[];
  return [String(value), ...names.map((name) => everything(value[name], known))].join("\n");
}
