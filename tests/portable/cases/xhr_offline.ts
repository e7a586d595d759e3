// Waiting for the network, where the browser is sure that there is none: an option of the transport on XMLHttpRequest.

import { type Transport, UploadError } from "../../../mod.ts";
import { xhrTransport } from "../../../src/xhr/mod.ts";
import { assert, assertEquals, assertRejects } from "../assert.ts";
import type { PortableCase } from "../case.ts";
import { failureOf, idle } from "./sources_support.ts";
import {
  anotherServer,
  assertStoredAt,
  injectAt,
  long,
  manualClock,
  MIB,
  requestsAt,
  sendTo,
} from "./stretch_support.ts";

const blob = (size: number): Blob => new Blob([long(size)]);
const place = (): string => "document" in globalThis ? "page" : "worker";

/** The browser says that there is no network, until `back` is called. */
function offline(): { back(): void } {
  Object.defineProperty(navigator, "onLine", { value: false, configurable: true });
  return {
    back() {
      Reflect.deleteProperty(navigator, "onLine");
      globalThis.dispatchEvent(new Event("online"));
    },
  };
}

/** Waits until something holds. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await idle(1);
}

const rules: PortableCase[] = [
  {
    name: "xhr: offline, a request waits for the network, and the time is counted by nobody",
    async run({ origin }) {
      const name = `offline-start-${place()}`;
      const clock = manualClock();
      const inner = xhrTransport({ pauseWhileOffline: true });
      let network: ReturnType<typeof offline> | undefined;
      let waits = 0;
      const transport: Transport = (input, init) => {
        if (init.method === "PUT" && waits === 0) network = offline();
        const waitUntil = (wait: Promise<unknown>) => {
          waits++;
          init.waitUntil?.(wait);
        };
        return inner(input, { ...init, waitUntil });
      };
      const retry = {
        clock,
        stallTimeout: 1000,
        maxElapsed: 5000,
        initialDelay: 1,
        maxAttempts: 2,
      };
      const sending = sendTo(origin, name, blob(3 * MIB), { transport, retry });
      try {
        await until(() => waits === 1);
        clock.advance(24 * 3600 * 1000);
        await idle();
        assertEquals((await requestsAt(origin, name)).length, 1, "requests while offline");
      } finally {
        network?.back();
      }
      await sending;
      await assertStoredAt(origin, name, long(3 * MIB));
      assertEquals([waits, clock.delays, clock.timers], [1, [], 0], "waits, delays, timers");
    },
  },
  {
    name: "xhr: offline, a request that fails waits before it says so; then the server is asked",
    async run(context) {
      const origin = await anotherServer(context, {});
      const name = "a";
      const clock = manualClock();
      let network: ReturnType<typeof offline> | undefined;
      let waits = 0;
      const inner = xhrTransport({ pauseWhileOffline: true });
      const transport: Transport = (input, init) => {
        const sending = inner(input, {
          ...init,
          waitUntil(wait) {
            waits++;
            init.waitUntil?.(wait);
          },
        });
        if (init.method === "PUT" && !network) network = offline(); // the request has begun
        return sending;
      };
      // A browser repeats a request by itself if the connection was used before.
      await injectAt(origin, { on: ["chunk", "final"], cut: MIB, times: 5 });
      const retry = { clock, stallTimeout: 1000, maxElapsed: 5000, initialDelay: 1 };
      const sending = sendTo(origin, name, blob(3 * MIB), { transport, retry });
      try {
        await until(() => waits === 1);
        clock.advance(24 * 3600 * 1000);
        await idle();
      } finally {
        network?.back();
      }
      await sending;
      await assertStoredAt(origin, name, long(3 * MIB));
      const kinds = (await requestsAt(origin, name)).map(({ kind }) => kind);
      assert(kinds.join(" ").includes("final status"), kinds.join(" "));
      assertEquals([waits, clock.timers], [1, 0], "waits, timers");
    },
  },
  {
    name: "xhr: offline, an abort ends the wait with its own reason, and leaves no listener",
    async run({ origin }) {
      const own = new Error("enough");
      const network = offline();
      const added = listeners();
      try {
        const stop = new AbortController();
        const transport = xhrTransport({ pauseWhileOffline: true });
        const sending = sendTo(origin, "offline-abort", "hello", {
          transport,
          signal: stop.signal,
        });
        setTimeout(() => stop.abort(own), 20);
        assert(await failureOf(() => sending) === own, "the reason");
        await idle();
        assertEquals([added.most(), added.left()], [1, 0], "listeners at the most, and left");
      } finally {
        added.restore();
        network.back();
      }
    },
  },
  {
    name: "xhr: offline, a request does not wait unless it was asked to, and says why it failed",
    async run() {
      const network = offline();
      try {
        const sending = sendTo("http://127.0.0.1:9", "a", "hello", {
          transport: xhrTransport(),
          retry: false,
        });
        const error = await assertRejects(sending, UploadError);
        assertEquals(error.code, "transport_failed");
        assert(/the browser is offline/.test(error.message), error.message);
      } finally {
        network.back();
      }
    },
  },
];

/** Counts who listens for the network. */
function listeners(): { most(): number; left(): number; restore(): void } {
  const { addEventListener, removeEventListener } = globalThis;
  let [count, most] = [0, 0];
  globalThis.addEventListener = (...args: Parameters<typeof addEventListener>) => {
    if (args[0] === "online") most = Math.max(most, ++count);
    addEventListener(...args);
  };
  globalThis.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
    if (args[0] === "online") count--;
    removeEventListener(...args);
  };
  return {
    most: () => most,
    left: () => count,
    restore: () => Object.assign(globalThis, { addEventListener, removeEventListener }),
  };
}

/** Every rule about a missing network. */
export const xhrOffline: PortableCase[] = rules.map((rule): PortableCase => ({
  needs: "XMLHttpRequest",
  ...rule,
}));
