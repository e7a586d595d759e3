/**
 * Uploads of a large file: how fast, at what cost in CPU time and memory, beside a bare loop of `fetch`, beside
 * `@google-cloud/storage`, and beside what one pass of the wire and one pass of CRC32C take together.
 *
 * @module
 */

import { alternate, median, medianOf, ROUNDS } from "./support/alternate.ts";
import type { Bench } from "./support/bench.ts";
import {
  bundle,
  CLIENT_RUNTIMES,
  type ClientRuntime,
  measured,
  NAMES,
  PEERS,
  runtimeCommand,
} from "./support/programs.ts";
import { sendLoad, startSink } from "./support/sink.ts";
import { mbps, mib, ratio, table } from "./support/table.ts";
import type { Job, Measured, Source } from "./upload/job.ts";

const MIB = 1_048_576;
const CHUNK = 8 * MIB;
const SIZE = 1024 * MIB;
/** The size that shows whether memory grows. */
const LARGE = 8 * SIZE;
/** The milliseconds of the slow server. */
const DELAY = 20;
const PACED_SIZE = 256 * MIB;
/** What is handed over in each runtime; Deno has no `Blob` of a file. */
const SOURCES: Readonly<Record<ClientRuntime, readonly Source[]>> = {
  node: ["memory", "file", "blob", "stream"],
  deno: ["memory", "file", "stream"],
  bun: ["memory", "file", "blob", "stream"],
};

/** What one client does. */
interface Figures {
  /** Bytes a second. */
  readonly speed: number;
  /** CPU seconds for each GiB. */
  readonly cpu: number;
  /** The most memory of the process, in bytes. */
  readonly peakRss: number;
}

/** Ours from one kind of source. */
interface Compared extends Figures {
  /** A loop of `fetch` from the same source. */
  readonly bare: Figures;
  /** Bytes a second of one pass of that loop and one pass of CRC32C, one after the other. */
  readonly bound: number;
  /** Our speed by that: the median of the rounds. */
  readonly ratio: number;
}

/** What `run` finds. */
export interface UploadResult {
  readonly size: number;
  readonly chunkSize: number;
  readonly rounds: number;
  /** Bytes a second that the sink takes from a client that only sends. */
  readonly sink: number;
  readonly runtimes: Record<
    ClientRuntime,
    {
      crc32c: number;
      sources: Partial<Record<Source, Compared>>;
      /** For 8 GiB. */
      largePeakRss: Partial<Record<Source, number>>;
    }
  >;
  /** `@google-cloud/storage` in Node. */
  readonly peers: Record<Peer, Figures>;
  /** Our speed by its speed with CRC32C, for each source in Node: medians of the rounds. */
  readonly timesPeer: Partial<Record<Source, number>>;
  /** Seconds with a server that takes 20 ms for each reply. */
  readonly readAhead: Record<
    ClientRuntime,
    Record<"memory" | "paced", { serial: number; ahead: number }>
  >;
}

type Peer = "crc32c" | "crc32c, 8 MiB chunks" | "no checksum";

const PEER_OPTIONS: Record<Peer, { validation: "crc32c" | false; chunkSize?: number }> = {
  "crc32c": { validation: "crc32c" },
  "crc32c, 8 MiB chunks": { validation: "crc32c", chunkSize: CHUNK },
  "no checksum": { validation: false },
};

export const uploadBench: Bench<UploadResult> = { run, render };

async function run(): Promise<UploadResult> {
  const program = await bundle(new URL("upload/program.ts", import.meta.url).pathname);
  await using files = await makeFiles();
  await using sink = await startSink();
  const { origin } = sink;
  const path = files.path;

  const start = (runtime: ClientRuntime, job: Partial<Job>) =>
    measured<Measured>([
      ...runtimeCommand(runtime),
      program,
      JSON.stringify({ client: "upload", origin, path, chunkSize: CHUNK, ...job }),
    ]);
  const peer = (options: object) =>
    measured<Measured>([
      "node",
      `${PEERS}upload.mjs`,
      JSON.stringify({ origin, path, ...options }),
    ]);

  const { crc32c } = await start("deno", { client: "crc32c" });
  const checked = async (upload: Promise<Measured>): Promise<Measured> => {
    const result = await upload;
    if (result.crc32c === crc32c) return result;
    throw new Error(`The server got ${result.crc32c}, expected ${crc32c}`);
  };

  const programs: Record<string, () => Promise<Measured>> = {
    sink: async () => ({
      ...NOTHING,
      ...await sendLoad(origin, { size: CHUNK, requests: SIZE / CHUNK }),
    }),
  };
  for (const runtime of CLIENT_RUNTIMES) {
    programs[`${runtime} crc32c`] = () => checked(start(runtime, { client: "crc32c" }));
    for (const source of SOURCES[runtime]) {
      for (const client of ["bare", "upload"] as const) {
        programs[`${runtime} ${source} ${client}`] = () =>
          checked(start(runtime, { client, source }));
      }
    }
  }
  for (const [name, options] of Object.entries(PEER_OPTIONS)) {
    programs[`peer ${name}`] = () => checked(peer(options));
  }
  const rounds = await alternate(programs);

  const runtimes = await record(CLIENT_RUNTIMES, async (runtime) => ({
    crc32c: figures(rounds[`${runtime} crc32c`]).speed,
    sources: await record(SOURCES[runtime], (source) => compared(runtime, source)),
    largePeakRss: await record(
      // The size of a Blob of 8 GiB is wrong in Node.
      SOURCES[runtime].filter((source) => source !== "memory" && source !== "blob"),
      async (source) => (await start(runtime, { source, path: files.largePath })).peakRss,
    ),
  }));

  await using slow = await startSink(DELAY);
  const readAhead = await record(
    CLIENT_RUNTIMES,
    (runtime) =>
      record(["memory", "paced"] as const, async (kind) => {
        const job: Partial<Job> = {
          source: "memory",
          origin: slow.origin,
          path: files.pacedPath,
          ...(kind === "paced" && { pace: DELAY }),
        };
        const { serial, ahead } = await alternate({
          serial: () => start(runtime, { ...job, isSerial: true }),
          ahead: () => start(runtime, job),
        });
        return {
          serial: medianOf(serial, (one) => one.seconds),
          ahead: medianOf(ahead, (one) => one.seconds),
        };
      }),
  );

  return {
    size: SIZE,
    chunkSize: CHUNK,
    rounds: ROUNDS,
    sink: figures(rounds.sink).speed,
    runtimes,
    peers: await record(
      Object.keys(PEER_OPTIONS) as Peer[],
      (name) => figures(rounds[`peer ${name}`]),
    ),
    timesPeer: await record(
      SOURCES.node,
      (source) =>
        median(
          rounds[`node ${source} upload`].map(({ seconds }, i) =>
            rounds["peer crc32c"][i].seconds / seconds
          ),
        ),
    ),
    readAhead,
  };

  function compared(runtime: ClientRuntime, source: Source): Compared {
    const ours = rounds[`${runtime} ${source} upload`];
    const bare = rounds[`${runtime} ${source} bare`];
    const seconds = bare.map((one, i) => one.seconds + rounds[`${runtime} crc32c`][i].seconds);
    return {
      ...figures(ours),
      bare: figures(bare),
      bound: SIZE / median(seconds),
      ratio: median(ours.map((one, i) => seconds[i] / one.seconds)),
    };
  }
}

const NOTHING = { seconds: 0, cpuSeconds: 0, peakRss: 0, crc32c: "" };

function figures(rounds: readonly Measured[]): Figures {
  return {
    speed: SIZE / medianOf(rounds, (one) => one.seconds),
    cpu: medianOf(rounds, (one) => one.cpuSeconds) * 2 ** 30 / SIZE,
    peakRss: medianOf(rounds, (one) => one.peakRss),
  };
}

/** An object with a value for each key, made one after the other. */
async function record<Key extends string, T>(
  keys: readonly Key[],
  make: (key: Key) => T | Promise<T>,
): Promise<Record<Key, T>> {
  const entries: [Key, T][] = [];
  for (const key of keys) entries.push([key, await make(key)]);
  return Object.fromEntries(entries) as Record<Key, T>;
}

/** The files to upload, in memory where the system has a file system for that. */
async function makeFiles(): Promise<
  AsyncDisposable & { path: string; largePath: string; pacedPath: string }
> {
  const inMemory = await Deno.stat("/dev/shm").then(() => true, () => false);
  const dir = await Deno.makeTempDir({ prefix: "bench-", ...(inMemory && { dir: "/dev/shm" }) });
  const [path, largePath, pacedPath] = ["file", "large", "paced"].map((name) => `${dir}/${name}`);
  const chunk = new Uint8Array(CHUNK);
  for (let at = 0; at < CHUNK; at += 65_536) {
    crypto.getRandomValues(chunk.subarray(at, at + 65_536));
  }
  using file = await Deno.create(path);
  for (let at = 0; at < SIZE; at += CHUNK) await file.write(chunk);
  for (const [hole, size] of [[largePath, LARGE], [pacedPath, PACED_SIZE]] as const) {
    await Deno.create(hole).then((file) => file.close());
    await Deno.truncate(hole, size); // takes no room
  }
  const remove = () => Deno.remove(dir, { recursive: true });
  return { path, largePath, pacedPath, [Symbol.asyncDispose]: remove };
}

const SOURCE_NAMES: Record<Source, string | Record<ClientRuntime, string>> = {
  memory: "no file: one buffer again and again",
  file: "`{ size, read }` on `node:fs/promises`",
  blob: { node: "`openAsBlob(path)`", deno: "", bun: "`Bun.file(path)`" },
  stream: {
    node: '`readableWebStream({ type: "bytes" })`',
    deno: "`(await Deno.open(path)).readable`",
    bun: "`Bun.file(path).stream()`",
  },
};

function nameOf(runtime: ClientRuntime, source: Source): string {
  const name = SOURCE_NAMES[source];
  return `${NAMES[runtime]}, ${typeof name === "string" ? name : name[runtime]}`;
}

function render(result: UploadResult): string {
  const { runtimes, peers, timesPeer, readAhead } = result;
  const speeds = CLIENT_RUNTIMES.flatMap((runtime) =>
    SOURCES[runtime].map((source) => {
      const ours = runtimes[runtime].sources[source]!;
      return [
        nameOf(runtime, source),
        mbps(ours.bare.speed),
        mbps(runtimes[runtime].crc32c),
        mbps(ours.bound),
        mbps(ours.speed),
        ratio(ours.ratio),
      ];
    })
  );
  const costs = CLIENT_RUNTIMES.flatMap((runtime) =>
    SOURCES[runtime].filter((source) => source !== "memory").map((source) => {
      const { sources, largePeakRss } = runtimes[runtime];
      const { bare, ...ours } = sources[source]!;
      return [
        nameOf(runtime, source),
        ours.cpu.toFixed(2),
        bare.cpu.toFixed(2),
        mib(ours.peakRss),
        largePeakRss[source] ? mib(largePeakRss[source]) : "",
        mib(bare.peakRss),
      ];
    })
  );
  for (const [name, { cpu, peakRss }] of Object.entries(peers)) {
    costs.push([`\`@google-cloud/storage\`, ${name}`, cpu.toFixed(2), "", mib(peakRss), "", ""]);
  }
  const ahead = CLIENT_RUNTIMES.flatMap((runtime) =>
    (["memory", "paced"] as const).map((kind) => {
      const { serial, ahead } = readAhead[runtime][kind];
      return [
        `${NAMES[runtime]}, ${kind === "memory" ? "memory" : `takes ${DELAY} ms for each chunk`}`,
        serial.toFixed(2),
        ahead.toFixed(2),
        ratio(serial / ahead),
      ];
    })
  );
  return `1 GiB in chunks of 8 MiB, CRC32C compared at both ends; MB/s. The sink takes ${
    mbps(result.sink)
  } MB/s from a client that only sends.

${table(["source", "bare loop", "CRC32C", "both", "ours", "ours / both"], speeds)}

${
    table(
      [
        "`@google-cloud/storage` in Node",
        "MB/s",
        ...SOURCES.node.map((source) => `ours, ${source}`),
      ],
      Object.entries(peers).map(([name, { speed }]) => [
        name,
        mbps(speed),
        ...SOURCES.node.map((source) => {
          const times = name === "crc32c"
            ? timesPeer[source]!
            : runtimes.node.sources[source]!.speed / speed;
          return `${times.toFixed(1)}×`;
        }),
      ]),
    )
  }

CPU seconds for each GiB, user and system, and the peak of the process's memory (RSS, MiB) for 1 and for 8 GiB.

${table(["client", "CPU", "CPU of the bare loop", "1 GiB", "8 GiB", "bare loop"], costs)}

256 MiB to a server that takes ${DELAY} ms for each reply, in seconds: reading the next chunk only when all before is stored, and reading it while a chunk is under way, as the library does.

${table(["source", "one after the other", "ahead", "gain"], ahead)}`;
}
