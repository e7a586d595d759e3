/// <reference lib="dom" />
/** The playground: puts its parts together. */

import { announcer } from "../page/announce.ts";
import { acceptFiles } from "../page/drop.ts";
import { type SetNetwork, setUpNetworkPanel } from "../page/network_panel.ts";
import { openStore } from "../page/store.ts";
import { setUpSummary } from "../page/summary.ts";
import { createUploadList } from "../page/upload_list.ts";
import { queryOf, readChoice } from "./choice.ts";
import { createCodeView } from "./code_view.ts";
import { connect } from "./connect.ts";
import type { Message, PlaygroundState } from "./exchange.ts";
import { generatedFile } from "./generate.ts";
import { playgroundId } from "./playground_id.ts";
import { choiceOf, playgroundSender } from "./sender.ts";
import { createTimeline } from "./timeline.ts";

/** Files up to this size are kept in the browser, so that nobody has to choose them again; in bytes. */
const KEEP_BYTES = 100_000_000;

const byId = <E extends HTMLElement>(id: string): E => document.getElementById(id) as E;
const live = byId("live");
const say = announcer(
  (text) => live.textContent = text,
  (callback) => void setTimeout(callback, 400),
);

async function start(): Promise<void> {
  await connect();
  const base = new URL(`t/${await playgroundId()}/`, new URL("./", location.href)).href;
  const ask = async <T>(path: string, value?: unknown): Promise<T> => {
    const post = { method: "POST", body: JSON.stringify(value) };
    return await (await fetch(base + path, value === undefined ? {} : post)).json();
  };

  const timeline = createTimeline(byId("exchanges"), byId<HTMLTemplateElement>("exchange"));
  const hear = workerWatch();
  const channel = new BroadcastChannel(base);
  channel.addEventListener("message", ({ data }: MessageEvent<Message>) => {
    hear(data);
    timeline.show(data.exchange);
  });
  const state = await ask<PlaygroundState>("state");
  hear(state);
  for (const exchange of state.exchanges) timeline.show(exchange);

  const network: SetNetwork = (change) => ask("network", change);
  const mishapMayBeOver = await setUpNetworkPanel(byId<HTMLFormElement>("network"), network, say);
  byId("cut").addEventListener("click", async () => {
    const { cut } = await ask<{ cut: number }>("cut", {});
    say(cut === 0 ? "Nothing is on its way" : "The connection is cut");
  });

  const form = byId<HTMLFormElement>("choice");
  const chosen = () => {
    const data = new FormData(form);
    const query = new URLSearchParams([...data].map(([name, value]) => [name, String(value)]));
    if (!query.has("source")) query.set("source", "file");
    if (!query.has("retry")) query.set("retry", "false");
    return readChoice(query)!;
  };
  const code = createCodeView(
    {
      chooser: byId<HTMLSelectElement>("code-of"),
      text: byId("code-text"),
      copy: byId<HTMLButtonElement>("copy"),
    },
    base,
    chosen,
    say,
  );
  const chooser = byId<HTMLInputElement>("files");
  const store = await openStore({
    name: `uploads ${base}`,
    keyOf: ({ target }) => target?.name,
  });
  const uploads = createUploadList({
    list: byId("uploads"),
    template: byId<HTMLTemplateElement>("card"),
    fallback: chooser,
    store,
    sender: playgroundSender(base, store),
    keepBytes: KEEP_BYTES,
    chunkSizeOf: (record) => choiceOf(record).chunkSize ?? record.size,
    say,
    onChange: ({ steady, phase }) => {
      if (!steady || phase === "done" || phase === "failed") mishapMayBeOver();
    },
    onList: render,
  });
  const renderSummary = setUpSummary(
    byId("summary"),
    byId<HTMLButtonElement>("all"),
    chooser,
    () => uploads.transfers,
  );
  function render(): void {
    renderSummary();
    byId("empty").hidden = uploads.transfers.length > 0;
    code.update(uploads.transfers.map(({ record }) => record));
  }
  const add = (files: readonly File[]) => uploads.add(files, queryOf(chosen()));
  form.addEventListener("change", render);
  acceptFiles(chooser, byId("drop"), add);
  byId("make").addEventListener("click", () => {
    add([generatedFile(Number(byId<HTMLSelectElement>("size").value) * 1_048_576)]);
  });
  byId("clear").addEventListener("click", async () => {
    await ask("empty", {});
    timeline.clear();
    for (const transfer of uploads.transfers) if (transfer.phase === "done") transfer.dismiss();
    say("Bucket and list are empty");
  });
  await uploads.restore();
  render();
}

/** Notices that the worker is another one than before, also across a reload, and that nothing outlives it. */
function workerWatch(): (state: { readonly boot: string; readonly lasting: boolean }) => void {
  const KEY = "playground worker";
  return ({ boot, lasting }) => {
    const before = sessionStorage.getItem(KEY);
    sessionStorage.setItem(KEY, boot);
    byId("fleeting").hidden = lasting;
    if (before === null || before === boot) return;
    const note = byId("restarted");
    note.textContent = lasting
      ? "The browser had stopped the worker that plays the servers, and has started it again. What was stored is still there."
      : "The browser had stopped the worker that plays the servers, and has started it again. What was stored is gone: start again.";
    note.hidden = false;
    say(note.textContent);
  };
}

const details = byId<HTMLDetailsElement>("hard");
details.open = matchMedia("(min-width: 60rem)").matches;
try {
  await start();
} catch (error) {
  byId("unavailable-reason").textContent = (error as Error).message;
  byId("unavailable").hidden = false;
  byId("playground").hidden = true;
}
document.documentElement.dataset.ready = "";
