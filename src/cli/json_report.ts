/** Lines of JSON: results on standard output, errors on standard error. */

import type { StorageObject } from "../protocol/resources/storage_object.ts";
import { UploadError } from "../errors.ts";
import { idOf } from "./done_files.ts";
import { messageOf, wordOf } from "./exit_code.ts";
import type { Io } from "./io.ts";
import type { Outcome, Report, Subject } from "./report.ts";

/** Writes one line for each object, and no other. */
export class JsonReport implements Report {
  readonly #io: Pick<Io, "stdout" | "stderr">;

  constructor(io: Pick<Io, "stdout" | "stderr">) {
    this.#io = io;
  }

  note(): void {}
  progress(): void {}
  close(): void {}

  ended(subject: Subject, outcome: Outcome): void {
    const { status } = outcome;
    if (outcome.status === "failed") {
      this.#error({ status, ...subject, error: errorFields(outcome.error, outcome.isOfBucket) });
      return;
    }
    this.#io.stdout.write(JSON.stringify({ status, ...subject, ...fieldsOf(outcome) }) + "\n");
  }

  failed(error: unknown): void {
    this.#error({ status: "failed", error: errorFields(error) });
  }

  #error(fields: object): void {
    this.#io.stderr.write(JSON.stringify(fields) + "\n");
  }
}

function fieldsOf(outcome: Exclude<Outcome, { status: "failed" }>): object {
  if (outcome.status === "skipped") return { reason: outcome.reason };
  if (outcome.status === "planned") return { size: outcome.size };
  const object = outcome.object as Partial<StorageObject> | null;
  const { generation, contentType, crc32c, md5Hash } = object ?? {};
  const id = idOf(object);
  return { size: outcome.size, contentType, id, generation, crc32c, md5Hash };
}

/** An error for programs; nothing in it is secret. */
function errorFields(error: unknown, isOfBucket?: boolean): object {
  const { status, reason } = error instanceof UploadError ? error : {};
  return { code: wordOf(error), message: messageOf(error, isOfBucket), httpStatus: status, reason };
}
