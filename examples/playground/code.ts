/**
 * The code that sends a file. The page shows it, and what runs is the same text without its types: the worker serves it as a
 * module, and the page imports that.
 */

import { type Choice, queryOf, readChoice } from "./choice.ts";
import { BUCKET } from "./exchange.ts";

/** What is sent where, and how. */
export interface Job extends Choice {
  /** The address of the playground, with a slash at its end. */
  readonly base: string;
  /** The name of the object. */
  readonly name: string;
  readonly type: string;
}

/** Where the code stands: with its types in an editor, or without them in this page. */
export interface Dialect {
  readonly types: boolean;
  /** What stands in an import for an entry of the library, or for a package. */
  specifier(entry: string): string;
}

/** What is shown and copied. */
export const SHOWN: Dialect = { types: true, specifier: (entry) => entry };

/** What the page runs: every import is a file beside it. */
export const RUN: Dialect = {
  types: false,
  specifier: (entry) => entry === "tus-js-client" ? "../../tus.js" : "../../library.js",
};

/** The address of the module, below the playground. */
export function addressOf({ name, type, ...choice }: Omit<Job, "base">): string {
  return `send.js?${queryOf(choice)}&${new URLSearchParams({ name, type })}`;
}

/** Reads what {@linkcode addressOf} has written; `undefined` if it was not that. */
export function readJob(base: string, query: URLSearchParams): Job | undefined {
  const choice = readChoice(query);
  const [name, type] = [query.get("name"), query.get("type")];
  return choice && name && type !== null ? { ...choice, base, name, type } : undefined;
}

/** The code. */
export function codeOf(job: Job, dialect: Dialect): string {
  return job.way === "tus" ? tusCode(job, dialect) : libraryCode(job, dialect);
}

/** The two lines that are different at Google. */
function head({ base, way, name }: Job): string {
  const isProxied = way === "proxy" || way === "tus";
  const token = isProxied
    ? `async () => await (await fetch(${
      quote(`${base}ticket?name=${encodeURIComponent(name)}`)
    })).text()`
    : `() => "an-access-token"`;
  const other = way === "tus"
    ? "your own proxy change these two lines: its address, and a ticket"
    : 'Google itself change these two lines: "https://storage.googleapis.com", and an access token';
  return `// For ${other}.
const endpoint = ${quote(`${base}${isProxied ? "proxy" : "google"}`)};
const token = ${token};
`;
}

function libraryCode(job: Job, { types, specifier }: Dialect): string {
  const { way, stream, chunkSize, checksum, retry, name, type } = job;
  const isXGoog = way === "x-goog-upload";
  const typed = (text: string) => types ? text : "";
  const rows = [
    "endpoint,",
    `bucket: ${quote(BUCKET)},`,
    `name: ${quote(name)},`,
    `contentType: ${quote(type || "application/octet-stream")},`,
    "headers: { authorization: `Bearer ${await token()}` },",
    ...isXGoog ? ["protocol: xGoogUpload,"] : [],
    ...stream ? ["totalBytes: file.size,"] : [],
    ...chunkSize === null ? [] : [`chunkSize: ${chunkSize},`],
    ...checksum === "auto" ? [] : [`checksum: ${checksum === "none" ? "null" : quote(checksum)},`],
    retry ? "retry: { initialDelay: 500, maxAttempts: 10, onRetry }," : "retry: false,",
    "checkpoints,",
    `key: ${quote(name)}, // with the same key the same call goes on`,
    "...options,",
  ];
  const given = retry ? "{ onRetry, ...options }" : "options";
  const told = retry
    ? 'Pick<UploadSettings, "signal" | "onProgress"> & Pick<RetryOptions, "onRetry">'
    : 'Pick<UploadSettings, "signal" | "onProgress">';
  const library = quote(specifier("@resumable-media/upload"));
  const importedTypes = [...retry ? ["RetryOptions"] : [], "StorageObject", "UploadSettings"];
  return `import { upload${isXGoog ? ", xGoogUpload" : ""} } from ${library};
${
    typed(`import type { ${importedTypes.join(", ")} } from ${library};\n`)
  }import { indexedDbCheckpoints } from ${quote(specifier("@resumable-media/upload/checkpoints"))};

${head(job)}
const checkpoints = indexedDbCheckpoints();
${typed(`\ntype Options = ${told};\n`)}
/** Sends a file. Called again after a failure, a pause or a reload, it goes on from what is stored. */
export async function send(file${typed(": Blob")}, ${given}${typed(": Options")} = {})${
    typed(": Promise<StorageObject>")
  } {
  return await upload(file${stream ? ".stream()" : ""}, {
    ${rows.join("\n    ")}
  });
}
`;
}

function tusCode(job: Job, { types, specifier }: Dialect): string {
  const { chunkSize, retry, name, type } = job;
  const typed = (text: string) => types ? text : "";
  return `import { Upload } from ${quote(specifier("tus-js-client"))};

${head(job)}${
    typed(`
interface Options {
  signal?: AbortSignal;
  onProgress?: (progress: { sent: number; persisted: number }) => void;
}
`)
  }
/** Sends a file. Called again after a failure, a pause or a reload, it goes on from what is stored. */
export async function send(file${typed(": File")}, { signal, onProgress }${
    typed(": Options")
  } = {})${typed(": Promise<void>")} {
  const authorization = \`Bearer \${await token()}\`;
  await new Promise${typed("<void>")}((resolve, reject) => {
    const progress = { sent: 0, persisted: 0 };
    const upload = new Upload(file, {
      endpoint: \`\${endpoint}/upload/storage/v1/b/${BUCKET}/o\`,
      headers: { authorization },
      metadata: { name: ${quote(name)}, filetype: ${quote(type || "application/octet-stream")} },
      chunkSize: ${chunkSize ?? 8_388_608},
      retryDelays: ${retry ? "[500, 1000, 2000, 4000, 8000]" : "null"},
      removeFingerprintOnSuccess: true,
      fingerprint: () => Promise.resolve(${quote(name)}),
      onProgress: (sent) => onProgress?.(Object.assign(progress, { sent })),
      onChunkComplete: (_size, persisted) => onProgress?.(Object.assign(progress, { persisted })),
      onSuccess: () => resolve(),
      onError: reject,
    });
    signal?.addEventListener("abort", () => {
      void upload.abort();
      reject(signal.reason);
    });
    upload.findPreviousUploads().then(([earlier]) => {
      if (earlier) upload.resumeFromPreviousUpload(earlier);
      upload.start();
    });
  });
}
`;
}

/** A text as it stands in code. */
function quote(text: string): string {
  return JSON.stringify(text).replaceAll("\u2028", "\\u2028").replaceAll("\u2029", "\\u2029");
}
