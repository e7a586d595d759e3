/** The token of somebody else than Google, which says who a workload is: from a function, a URL or a file. */

import { typeInWords, UploadError } from "../errors.ts";
import { type CredentialsJson, invalid, isObject, kindOf } from "./credentials_json.ts";
import type { OriginTest } from "./token_origins.ts";
import { parseObject, requestToken, type TokenServer } from "./token_request.ts";

/** Where a subject token comes from. */
export interface SubjectTokenOptions {
  /**
   * Returns the token that the workload's own platform has signed: of GitHub Actions, Vercel, Fly, Kubernetes. It is asked
   * for each new access token, at most a few times an hour, and goes before the `credential_source` of the configuration.
   * What it throws is handed on.
   */
  subjectToken?: (() => string | Promise<string>) | undefined;
  /** Reads a file as text, for configurations that name one; nothing is read without it. */
  readFile?: ((path: string) => string | Promise<string>) | undefined;
}

/** Gives the subject token, which may be another one each time. */
export type SubjectToken = () => Promise<string>;

/** How a file or a reply holds the token: it is all of it, or a member of its JSON. */
type Format = (text: string) => string | undefined;

/** Hosts that are this machine, or answer this machine alone; anything else takes https. */
const LOCAL = ["127.0.0.1", "localhost", "[::1]", "169.254.169.254"];

/** Finds out where the subject token comes from; throws a `TypeError` where it can come from nowhere. */
export function subjectTokenOf(
  source: unknown,
  { subjectToken, readFile }: SubjectTokenOptions,
  server: TokenServer,
  isListed: OriginTest,
): SubjectToken {
  checkFunction(subjectToken, "subjectToken");
  checkFunction(readFile, "readFile");
  if (subjectToken) return async () => checked(await subjectToken(), "subjectToken");
  if (!isObject(source)) {
    throw invalid(
      "credential_source: expected an object, or the option subjectToken",
      kindOf(source),
    );
  }
  const { file, url } = source;
  if (typeof url === "string") return fromUrl(url, source, server, isListed);
  if (typeof file === "string") return fromFile(file, formatOf(source), readFile);
  const other = ["environment_id", "executable", "certificate"].find((name) => name in source);
  throw invalid(
    "credential_source: expected a url or a file, or the option subjectToken",
    other ?? "neither",
  );
}

function checkFunction(value: unknown, name: string): void {
  if (value === undefined || typeof value === "function") return;
  throw new TypeError(`${name}: expected a function, got ${typeInWords(value)}`);
}

function fromFile(
  path: string,
  read: Format,
  readFile: SubjectTokenOptions["readFile"],
): SubjectToken {
  if (!readFile) {
    throw invalid(
      "credential_source: file: expected the option readFile, which reads it, or subjectToken",
      "neither",
    );
  }
  return async () => checked(read(await readFile(path)), "the file of credential_source");
}

function fromUrl(
  text: string,
  source: CredentialsJson,
  server: TokenServer,
  isListed: OriginTest,
): SubjectToken {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isLocal = url?.protocol === "http:" && LOCAL.includes(url.hostname);
  if (!url || !(url.protocol === "https:" || isLocal || isListed(url))) {
    throw invalid(
      "credential_source: url: expected https, this machine, or a URL of one of the origins",
      "another one",
    );
  }
  const headers = headersOf(source);
  const request = {
    method: "GET",
    url: url.href,
    headers,
    body: null,
    secrets: Object.values(headers),
    tokenName: "a subject token",
    expected: "a subject token",
    read: formatOf(source),
  } as const;
  return () => requestToken(request, server);
}

function headersOf({ headers = {} }: CredentialsJson): Record<string, string> {
  try {
    if (isObject(headers)) {
      return Object.fromEntries(new Headers(headers as Record<string, string>));
    }
  } catch { // its message quotes the value
  }
  throw invalid("credential_source: headers: expected names and values of headers", "others");
}

function formatOf({ format = { type: "text" } }: CredentialsJson): Format {
  const { type = "text", subject_token_field_name: name } = isObject(format) ? format : { type: 0 };
  if (type === "text") return usable;
  if (type === "json" && typeof name === "string") return (text) => usable(parseObject(text)[name]);
  throw invalid(
    'credential_source: format: expected "text", or "json" with a subject_token_field_name',
    "another one",
  );
}

/** A token without the line break at the end of a file. */
function usable(value: unknown): string | undefined {
  const token = typeof value === "string" ? value.trim() : "";
  return token === "" ? undefined : token;
}

function checked(value: unknown, from: string): string {
  const token = usable(value);
  if (token !== undefined) return token;
  throw new UploadError(
    "rejected",
    `Cannot get a subject token: expected one from ${from}, got something else`,
  );
}
