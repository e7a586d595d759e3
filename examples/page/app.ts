/// <reference lib="dom" />
/** The upload page: puts its parts together. */

import { announcer } from "./announce.ts";
import { fetchSettings, fetchTicket, network } from "./backend.ts";
import { chunkSizeFor } from "./chunk_size.ts";
import { setUpClientChoice } from "./client_choice.ts";
import { setUpComparison } from "./comparison_table.ts";
import { acceptFiles } from "./drop.ts";
import { bytes, typesInWords } from "./format.ts";
import { setUpNetworkPanel } from "./network_panel.ts";
import { proxySender } from "./proxy_sender.ts";
import { hasLocks, openStore } from "./store.ts";
import { setUpSummary } from "./summary.ts";
import { createUploadList } from "./upload_list.ts";

const byId = <E extends HTMLElement>(id: string): E => document.getElementById(id) as E;
const live = byId("live");
const chooser = byId<HTMLInputElement>("files");

const say = announcer(
  (text) => live.textContent = text,
  (callback) => void setTimeout(callback, 400),
);
const [settings, store] = await Promise.all([fetchSettings(), openStore()]);
const compare = setUpComparison(byId("comparison"));
const mishapMayBeOver = await setUpNetworkPanel(byId<HTMLFormElement>("network"), network, say);

const uploads = createUploadList({
  list: byId("uploads"),
  template: byId<HTMLTemplateElement>("card"),
  fallback: chooser,
  store,
  sender: proxySender(settings),
  keepBytes: settings.keepBytes,
  chunkSizeOf: ({ size }) => chunkSizeFor(size, settings.chunkSize),
  say,
  onChange({ steady, phase }) {
    if (!steady || phase === "done" || phase === "failed") mishapMayBeOver();
    if (phase === "done") void compare();
  },
  onList() {
    renderSummary();
    byId("empty").hidden = uploads.transfers.length > 0;
  },
});
const renderSummary = setUpSummary(
  byId("summary"),
  byId<HTMLButtonElement>("all"),
  chooser,
  () => uploads.transfers,
);
const choice = setUpClientChoice({
  form: byId<HTMLFormElement>("client"),
  note: byId("client-note"),
  own: [byId("drop"), byId("own"), byId("own-head")],
  target: byId("uppy"),
}, {
  fetchTicket: (name) => fetchTicket({ name }),
  chunkSizeFor: (size) => chunkSizeFor(size, settings.chunkSize),
  retryDelay: settings.retryDelay,
  say,
  onStored: () => void compare(),
});

// On a phone it would stand above all uploads.
byId<HTMLDetailsElement>("hard").open = matchMedia("(min-width: 60rem)").matches;
byId("limits").textContent = `Up to ${bytes(settings.maxBytes)} each: ${
  typesInWords(settings.contentTypes)
}.`;
byId("fleeting").hidden = store.lasting || !hasLocks();
byId("insecure").hidden = hasLocks();
acceptFiles(chooser, byId("drop"), (files) => {
  if (!choice.offer(files)) uploads.add(files);
});
await uploads.restore();
renderSummary();
document.documentElement.dataset.ready = "";
