// The IETF's resumable uploads through the proxy with a bad network on both of its sides, hooks that fail, two clients at once,
// and now and then a request of Google's protocol or of tus on the same upload.

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { Transport } from "../../mod.ts";
import { type Fault, GcsEmulator } from "../../src/emulator/mod.ts";
import { createUploadProxy } from "../../src/worker.ts";
import { difference } from "../e2e/support.ts";
import { faults, pass } from "../properties/support/faults.ts";
import { network, type NetworkFault, networkFaults } from "../properties/support/network.ts";
import { property } from "../properties/support/property.ts";
import { sizes } from "../properties/support/sources.ts";
import { type DraftOptions, resumeByDraft, uploadByDraft } from "../support/draft_client.ts";
import { asServer, whole } from "../properties/support/proxied.ts";
import { Q, sample } from "./resumable_http_support.ts";
import { SESSION_SECRET, UPLOAD } from "./support.ts";

interface Case {
  readonly size: number;
  readonly options: DraftOptions;
  /** Whether bodies come with a `Content-Length`. */
  readonly isAnnounced: boolean;
  /** Which protocol each next request is in, in turn. */
  readonly protocols: ("own" | "google" | "tus")[];
  /** Whether another client goes on with the same upload at the same time, and how. */
  readonly second: DraftOptions | null;
  readonly faults: Fault[];
  readonly before: NetworkFault[];
  readonly behind: NetworkFault[];
  /** How often `onFinish` fails at first. */
  readonly failures: number;
}

const chunks = fc.array(fc.constantFrom(Q, Q + 1, 300_000, 2 * Q, 3 * Q - 1, 20 * Q), {
  minLength: 1,
  maxLength: 4,
});

const options: fc.Arbitrary<DraftOptions> = fc.record({
  endpoint: fc.constant(UPLOAD),
  version: fc.constantFrom(3, 5, 6, 7, 8, 8, 8),
  first: fc.constantFrom("nothing", "a part", "all"),
  sizes: chunks,
  saysLength: fc.boolean(),
  countsItself: fc.boolean(),
  endsApart: fc.boolean(),
  patience: fc.constant(60), // more than there are failures
});

/** What the protocol or Google's rules do not allow is not tried. */
function allowed({ size, options, ...rest }: Case): Case {
  const { version = 8, saysLength = true, first } = options;
  return {
    ...rest,
    size,
    options: {
      ...options,
      // A part that is smaller than a quantum, and not known to be the end.
      first: first === "a part" && size < Q && !saysLength ? "nothing" : first,
      endsApart: options.endsApart === true && saysLength,
      countsItself: options.countsItself === true && version > 6,
    },
  };
}

const cases: fc.Arbitrary<Case> = fc.record({
  size: sizes,
  options,
  isAnnounced: fc.boolean(),
  protocols: fc.array(fc.constantFrom("own", "own", "google", "tus"), {
    minLength: 1,
    maxLength: 4,
  }),
  second: fc.option(
    options.map((all) => ({ ...all, endsApart: false, countsItself: false })),
    { nil: null, freq: 2 },
  ),
  faults: faults.filter(pass),
  before: networkFaults,
  behind: networkFaults.map((all) => all.filter(({ kind }) => kind !== "cut")),
  failures: fc.constantFrom(0, 0, 1, 2),
}).map((one) => allowed(one as Case));

/** A request of another protocol for bytes in the middle; whether there was one. */
function otherProtocols(
  send: Transport,
  bytes: Uint8Array<ArrayBuffer>,
  { protocols, options: { sizes = [Q], saysLength } }: Case,
): (url: string, offset: number) => Promise<boolean> {
  let turn = 0;
  return async (url, offset) => {
    const protocol = protocols[turn % protocols.length];
    const wanted = sizes[turn++ % sizes.length];
    const end = offset + wanted - wanted % Q;
    if (protocol === "own" || end >= bytes.length) return false;
    const body = bytes.subarray(offset, end);
    const total = saysLength ? bytes.length : "*";
    const request = protocol === "google"
      ? { method: "PUT", headers: { "content-range": `bytes ${offset}-${end - 1}/${total}` } }
      : {
        method: "PATCH",
        headers: {
          "tus-resumable": "1.0.0",
          "content-type": "application/offset+octet-stream",
          "upload-offset": `${offset}`,
        },
      };
    await send(url, { ...request, body }).then((reply) => reply.body?.cancel(), (error) => {
      if (!(error instanceof TypeError)) throw error; // else the network
    });
    return true;
  };
}

property(
  "by the IETF's protocol, a file arrives exactly and once, whatever goes wrong, and the client hears of it after the operator's code",
  60,
  cases,
  async (scenario, tally) => {
    const bytes = sample(scenario.size);
    const gcs = new GcsEmulator({ sleep: () => Promise.resolve() });
    gcs.inject(...scenario.faults);
    const inner = network(gcs.fetch, scenario.behind);
    const send = scenario.behind.length > 0 ? whole(inner.transport) : inner.transport;
    let heard = 0, left = scenario.failures;
    const proxy = createUploadProxy({
      transport: send,
      fetch: send,
      bucket: "my-bucket",
      sessionSecrets: [SESSION_SECRET],
      authorize: () => ({ name: "a" }),
      onFinish: () => {
        if (left-- > 0) throw new Error("the database is down");
        heard++;
      },
    });
    const outer = network(asServer(proxy, scenario.isAnnounced), scenario.before);
    const other = otherProtocols(outer.transport, bytes, scenario);
    let second: ReturnType<typeof resumeByDraft> | undefined;
    const said = [
      await uploadByDraft(outer.transport, bytes, {
        ...scenario.options,
        instead: async (url, offset) => {
          if (scenario.second) {
            second ??= resumeByDraft(outer.transport, bytes, url, scenario.second);
          }
          return await other(url, offset);
        },
      }),
    ];
    if (second) said.push(await second);
    const check = () => {
      const object = gcs.get("my-bucket", "a");
      assert(object, `there is no object: ${JSON.stringify(said)}`);
      assertEquals(difference(object.bytes!, bytes), -1, "the first byte that differs");
    };
    for (const { status, isComplete, text } of said) {
      check();
      if (status < 300) {
        assert(isComplete, "success before the end");
        assert(heard > 0, "success before onFinish");
      } else {
        // The object of a creation or of another client stands in the way: its reply was lost, or it was faster.
        assert([400, 410, 412].includes(status), `${status} ${text}`);
      }
    }
    await outer.settle();
    await inner.settle();
    check();
    tally.faults += gcs.requests.filter(({ fault }) => fault !== null).length + outer.hits() +
      inner.hits();
  },
);
