/** Exit codes, and what errors say. */

import { UploadError } from "../errors.ts";
import { UsageError } from "./usage_error.ts";

/** What a run ends with. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  refused: 3,
  conflict: 4,
  interrupted: 5,
} as const;

/** One of the exit codes. */
export type ExitCode = typeof EXIT[keyof typeof EXIT];

/** The code of an error. */
export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof UsageError) return EXIT.usage;
  if (!(error instanceof UploadError)) return EXIT.failed;
  if (error.code === "precondition_failed") return EXIT.conflict;
  if (error.code === "rejected") {
    const isRefused = error.status === undefined || error.status === 401 || error.status === 403;
    return isRefused ? EXIT.refused : EXIT.failed;
  }
  return error.retryable ? EXIT.interrupted : EXIT.failed;
}

/** Whether every other file of the run would fail as this one did: refused, no such bucket, no server. */
export function concernsAll(error: unknown): boolean {
  if (!(error instanceof UploadError)) return false;
  if (error.code === "rejected") {
    return [undefined, 401, 403, 404, 407].includes(error.status);
  }
  return error.retryable;
}

/** What an error is in one word, for programs. */
export function wordOf(error: unknown): string {
  if (error instanceof UploadError) return error.code;
  if (error instanceof UsageError) return "usage";
  const code = typeof error === "object" && error !== null && "code" in error && error.code;
  if (typeof code === "string") return code;
  return error instanceof Error ? error.name : "unknown";
}

/** Errors of the system, as people say them. */
const SYSTEM: Readonly<Record<string, string>> = {
  EACCES: "may not be read",
  EISDIR: "is a folder",
  ELOOP: "is a symbolic link that leads to itself",
  EMFILE: "cannot be opened: too many files are open",
  ENOENT: "is not there",
  ENOTDIR: "is not there",
  EPERM: "may not be read",
};

/** What an error says, and what helps. `isOfBucket`: Google's own storage has answered. */
export function messageOf(error: unknown, isOfBucket = false): string {
  const word = wordOf(error);
  if (Object.hasOwn(SYSTEM, word)) return SYSTEM[word];
  const message = error instanceof Error ? error.message : String(error);
  const help = error instanceof UploadError ? helpOf(error, isOfBucket) : undefined;
  return help === undefined ? message : `${message}; ${help}`;
}

function helpOf({ code, status }: UploadError, isOfBucket: boolean): string | undefined {
  if (code === "precondition_failed") return "it exists, or is another generation";
  if (code !== "rejected" || !isOfBucket) return undefined;
  switch (status) {
    case 401:
      return "the credentials are not valid any more: `gcloud auth application-default login` makes new ones";
    case 403:
      return "the account needs storage.objects.create, and storage.objects.delete to replace an object";
    case 404:
      return "is there such a bucket?";
    default:
      return undefined;
  }
}
