/** The options of `cp`, checked. */

import { isMediaType } from "../protocol/media_type.ts";
import type { ChecksumOption } from "../protocol/resource.ts";
import { driveFile } from "../protocol/resources/drive_file.ts";
import { geminiFile } from "../protocol/resources/gemini_file.ts";
import { type ObjectMetadata, storageObject } from "../protocol/resources/storage_object.ts";
import { numberOf, readArguments } from "./arguments.ts";
import { type Destination, destinationOf } from "./destination.ts";
import type { Io } from "./io.ts";
import { secretOf } from "./secret.ts";
import { STDIN } from "./sources.ts";
import { shownArgument, UsageError } from "./usage_error.ts";

/** What `cp` takes. */
const SPECS = {
  "cache-control": { type: "string" },
  checksum: { type: "string" },
  concurrency: { type: "string" },
  "content-type": { type: "string" },
  "continue-on-error": { type: "boolean", short: "c" },
  "dry-run": { type: "boolean" },
  endpoint: { type: "string" },
  "if-generation-match": { type: "string" },
  json: { type: "boolean" },
  manifest: { type: "string" },
  metadata: { type: "string", multiple: true },
  "names-from-stdin": { type: "boolean", short: "I" },
  "no-clobber": { type: "boolean", short: "n" },
  "no-resume": { type: "boolean" },
  null: { type: "boolean", short: "0" },
  parallel: { type: "boolean" },
  privacy: { type: "string" },
  quiet: { type: "boolean", short: "q" },
  recursive: { type: "boolean", short: "r" },
  session: { type: "string" },
  "storage-class": { type: "string" },
  ticket: { type: "string" },
  title: { type: "string" },
} as const;

/** What is uploaded to a place that is no bucket. */
export type Target = Destination | { readonly kind: "session"; readonly url: string };

/** A call of `cp`. */
export interface CpOptions {
  readonly sources: readonly string[];
  readonly target: Target;
  readonly recursive: boolean;
  /** What ends the names that come from standard input; `undefined` where none do. */
  readonly namesEnd: "\n" | "\0" | undefined;
  readonly concurrency: number | undefined;
  readonly parallel: boolean;
  readonly noClobber: boolean;
  readonly continueOnError: boolean;
  readonly dryRun: boolean;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly resume: boolean;
  readonly manifest: string | undefined;
  readonly endpoint: string | undefined;
  readonly ticket: string | undefined;
  readonly contentType: string | undefined;
  readonly checksum: ChecksumOption | undefined;
  readonly ifGenerationMatch: string | undefined;
  readonly metadata: ObjectMetadata;
  /** For YouTube. */
  readonly title: string | undefined;
  readonly privacy: string;
}

/** Options that say something of an object of a bucket. */
const OF_BUCKETS = [
  "cache-control",
  "if-generation-match",
  "metadata",
  "no-clobber",
  "parallel",
  "recursive",
  "storage-class",
  "ticket",
] as const;

/** Reads and checks a call; `undefined` where help is wanted. */
export async function cpOptions(
  args: readonly string[],
  io: Pick<Io, "stdin" | "env" | "cwd">,
): Promise<CpOptions | undefined> {
  const { values, positionals } = readArguments(args, SPECS);
  if (values.help) return undefined;
  const isNamed = values["names-from-stdin"] === true;
  if (values.null && !isNamed) throw new UsageError("-0: expected it together with -I");
  const { sources, target } = await targetOf(positionals, values.session, isNamed, io);
  if (target.kind !== "bucket") refuse(values, OF_BUCKETS, "uploads to a bucket");
  if (target.kind === "session") refuse(values, ["manifest"], "uploads with a DEST");
  if (target.kind !== "youtube") refuse(values, ["privacy", "title"], "youtube:");
  checkSources(sources, isNamed, values.session, values.ticket);
  if (values.ticket !== undefined && values.endpoint === undefined) {
    throw new UsageError("--ticket: expected --endpoint with the origin of the proxy");
  }
  if (values["no-clobber"] && (values["if-generation-match"] ?? "0") !== "0") {
    throw new UsageError("--no-clobber: expected no --if-generation-match besides, got one");
  }
  if (values.parallel && ["md5", "sha256"].includes(values.checksum ?? "")) {
    throw new UsageError(
      `--parallel: expected --checksum auto, crc32c or none besides, got ${values.checksum}`,
    );
  }
  if (values.parallel && values.ticket !== undefined) {
    throw new UsageError(
      "--parallel: expected no --ticket besides, since proxies take sessions only",
    );
  }
  if (values.json && values.quiet) throw new UsageError("--quiet: expected no --json besides");
  return {
    sources,
    target,
    recursive: values.recursive === true,
    namesEnd: isNamed ? values.null ? "\0" : "\n" : undefined,
    concurrency: numberOf(values.concurrency, "--concurrency", [1, 1024]),
    parallel: values.parallel === true,
    noClobber: values["no-clobber"] === true,
    continueOnError: values["continue-on-error"] === true,
    dryRun: values["dry-run"] === true,
    json: values.json === true,
    quiet: values.quiet === true,
    resume: values["no-resume"] !== true,
    manifest: values.manifest,
    endpoint: values.endpoint,
    ticket: values.ticket === undefined ? undefined : await secretOf(values.ticket, "--ticket", io),
    contentType: contentTypeOf(values["content-type"]),
    checksum: checksumOf(values.checksum, target.kind),
    ifGenerationMatch: generationOf(values["if-generation-match"]),
    metadata: metadataOf(values),
    title: values.title,
    privacy: oneOf(values.privacy ?? "private", "--privacy", ["private", "unlisted", "public"]),
  };
}

async function targetOf(
  positionals: readonly string[],
  session: string | undefined,
  isNamed: boolean,
  io: Pick<Io, "stdin" | "env" | "cwd">,
): Promise<{ readonly sources: readonly string[]; readonly target: Target }> {
  if (session === undefined) {
    if (positionals.length < (isNamed ? 1 : 2)) {
      throw new UsageError(`expected SOURCE… DEST, got ${positionals.length} of these`);
    }
    return { sources: positionals.slice(0, -1), target: destinationOf(positionals.at(-1)!) };
  }
  if (positionals.length !== 1 || isNamed) {
    throw new UsageError(
      `--session: expected one SOURCE and no DEST, got ${positionals.length} arguments`,
    );
  }
  const url = await secretOf(session, "--session", io);
  if (!/^https?:\/\//.test(url) || !URL.canParse(url)) {
    throw new UsageError("--session: expected the URL of a session, @FILE or env:NAME");
  }
  return { sources: positionals, target: { kind: "session", url } };
}

function checkSources(
  sources: readonly string[],
  isNamed: boolean,
  ...secrets: readonly (string | undefined)[]
): void {
  const readers = [
    ...sources.filter((source) => source === STDIN),
    ...isNamed ? ["-I"] : [],
    ...secrets.filter((secret) => secret === "@-"),
  ];
  const url = sources.find((source) => /^https?:\/\//i.test(source));
  if (url !== undefined) {
    throw new UsageError(
      `SOURCE: expected a file, got ${
        shownArgument(url)
      } (the URL of a session goes with --session)`,
    );
  }
  if (readers.length > 1) throw new UsageError("standard input can be read for one thing only");
  if (isNamed && sources.length > 0) {
    throw new UsageError("-I: expected DEST and no SOURCE, which standard input names");
  }
}

function refuse(values: object, names: readonly string[], what: string): void {
  const name = names.find((name) => (values as Record<string, unknown>)[name] !== undefined);
  if (name !== undefined) throw new UsageError(`--${name} is only for ${what}`);
}

function contentTypeOf(text: string | undefined): string | undefined {
  if (text === undefined || isMediaType(text)) return text;
  throw new UsageError(`--content-type: expected one such as image/png, got ${text}`);
}

/** Which checksums can be required: those that the server reports. */
const REPORTED: Readonly<Record<Target["kind"], readonly string[]>> = {
  bucket: storageObject.reports ?? [],
  drive: driveFile.reports ?? [],
  gemini: geminiFile.reports ?? [],
  youtube: [],
  session: ["crc32c", "md5", "sha256"],
};

function checksumOf(
  text: string | undefined,
  target: Target["kind"],
): ChecksumOption | undefined {
  if (text === undefined) return undefined;
  const kind = oneOf(text, "--checksum", ["auto", ...REPORTED[target], "none"]);
  return kind === "none" ? null : kind as ChecksumOption;
}

function generationOf(text: string | undefined): string | undefined {
  if (text === undefined || /^\d{1,19}$/.test(text)) return text;
  throw new UsageError(`--if-generation-match: expected a number, got ${text}`);
}

function oneOf(text: string, name: string, known: readonly string[]): string {
  if (known.includes(text)) return text;
  throw new UsageError(`${name}: expected ${known.join(", ")}, got ${text}`);
}

function metadataOf(values: {
  readonly "cache-control"?: string;
  readonly "storage-class"?: string;
  readonly metadata?: readonly string[];
}): ObjectMetadata {
  const pairs = (values.metadata ?? []).map((pair): [key: string, value: string] => {
    const at = pair.indexOf("=");
    if (at < 1) throw new UsageError(`--metadata: expected KEY=VALUE, got ${pair}`);
    return [pair.slice(0, at), pair.slice(at + 1)];
  });
  const own = Object.fromEntries(pairs); // any key, also one that objects have already
  return {
    ...(values["cache-control"] !== undefined && { cacheControl: values["cache-control"] }),
    ...(values["storage-class"] !== undefined && {
      storageClass: values["storage-class"].toUpperCase(),
    }),
    ...(Object.keys(own).length > 0 && { metadata: own }),
  };
}
