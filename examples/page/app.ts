/// <reference lib="dom" />
/** The upload page: its list of uploads, and what starts them. */

import { announcement, announcer, type Spoken } from "./announce.ts";
import { fetchSettings, fetchTicket } from "./backend.ts";
import { chunkSizeFor } from "./chunk_size.ts";
import { setUpClientChoice } from "./client_choice.ts";
import { setUpComparison } from "./comparison_table.ts";
import { acceptFiles } from "./drop.ts";
import { bytes, typesInWords } from "./format.ts";
import { setUpNetworkPanel } from "./network_panel.ts";
import { randomId } from "./random_id.ts";
import { hasLocks, openStore, type StoredUpload } from "./store.ts";
import { setUpSummary } from "./summary.ts";
import { Transfer } from "./transfer.ts";
import { turns } from "./turns.ts";
import { type Card, createCard } from "./view.ts";

/** How many uploads are at work at once. */
const AT_ONCE = 3;

const byId = <E extends HTMLElement>(id: string): E => document.getElementById(id) as E;
const list = byId("uploads");
const template = byId<HTMLTemplateElement>("card");
const live = byId("live");
const chooser = byId<HTMLInputElement>("files");

const say = announcer(
  (text) => live.textContent = text,
  (callback) => void setTimeout(callback, 400),
);
const [settings, store] = await Promise.all([fetchSettings(), openStore()]);
const takeTurn = turns(AT_ONCE);

/** An upload on the page. */
interface Shown {
  readonly card: Card;
  spoken: Spoken | undefined;
  /** Lets another tab have the upload. */
  readonly release: () => void;
}

const shown = new Map<Transfer, Shown>();
const changed = new Set<Transfer>();

const compare = setUpComparison(byId("comparison"));
const mishapMayBeOver = await setUpNetworkPanel(byId<HTMLFormElement>("network"), say);
const renderSummary = setUpSummary(byId("summary"), byId<HTMLButtonElement>("all"), chooser, () => [
  ...shown.keys(),
]);
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

/** Notes that an upload has changed. The page follows once a frame, however many changes there are. */
function onChange(transfer: Transfer): void {
  const at = shown.get(transfer);
  if (!at) return;
  const { phase, steady, trouble, record: { name, size } } = transfer;
  const now: Spoken = { name, size, phase, steady, trouble };
  const words = announcement(at.spoken, now);
  at.spoken = now;
  if (words) say(words);
  if (!steady) mishapMayBeOver();
  if (phase === "done") void compare();
  if (phase === "gone") return removeCard(transfer, at);
  if (changed.size === 0) requestAnimationFrame(renderChanged);
  changed.add(transfer);
}

function renderChanged(): void {
  for (const transfer of changed) shown.get(transfer)?.card.render(transfer);
  changed.clear();
  renderList();
}

function renderList(): void {
  renderSummary();
  byId("empty").hidden = shown.size > 0;
}

/** Puts an upload on the page. */
function show(record: StoredUpload, file: File | undefined, release: () => void): Transfer {
  const transfer = new Transfer(record, file, { settings, store, takeTurn, onChange });
  const card = createCard(transfer, chunkSizeFor(record.size, settings.chunkSize), template, {
    pause: () => transfer.pause(),
    resume: () => transfer.resume(),
    cancel: async () => {
      const { name } = record;
      const told = await transfer.cancel();
      if (told === "cancelled") say(`${name}: cancelled, nothing of it is kept`);
      if (told === "only here") {
        say(`${name}: cancelled; the server could not be told, and forgets it within a week`);
      }
    },
    dismiss: () => transfer.dismiss(),
    offer: (file) => transfer.offer(file),
  });
  shown.set(transfer, { card, spoken: undefined, release });
  list.insertBefore(card.element, laterThan(record));
  onChange(transfer);
  return transfer;
}

/** The first card of an upload that was added later. What an earlier visit left arrives in any order. */
function laterThan({ created }: StoredUpload): HTMLElement | null {
  const later = [...shown].filter(([{ record }]) => record.created > created)
    .sort(([a], [b]) => a.record.created - b.record.created);
  return later[0]?.[1].card.element ?? null;
}

/** Takes a card away. If it had the focus, the nearest thing that can have it gets it. */
function removeCard(transfer: Transfer, { card: { element }, release }: Shown): void {
  shown.delete(transfer);
  changed.delete(transfer);
  const next = element.nextElementSibling ?? element.previousElementSibling;
  const focused = element.contains(document.activeElement);
  element.remove();
  release();
  renderList();
  if (!focused) return;
  const button = next?.querySelector<HTMLElement>("button:not([hidden], [disabled])");
  (button ?? chooser).focus();
}

/** Begins with new files; one that an upload is waiting for goes on with it. */
function add(files: readonly File[]): void {
  if (choice.offer(files)) return;
  let count = 0;
  for (const file of files) {
    const waiting = [...shown.keys()].find(({ phase, record }) =>
      phase === "needs-file" && record.name === file.name && record.size === file.size &&
      record.lastModified === file.lastModified
    );
    if (waiting) void waiting.offer(file);
    else void begin(file);
    count++;
  }
  if (count > 0) say(count === 1 ? "1 file added" : `${count} files added`);
}

/** When the last file was added. */
let latest = 0;

async function begin(file: File): Promise<void> {
  const { name, size, type, lastModified } = file;
  const id = randomId();
  latest = Math.max(Date.now(), latest + 1); // no two at the same time: that is their order
  const record: StoredUpload = {
    ...{ id, name, size, type, lastModified },
    created: latest,
    paused: false,
  };
  await own(id, async (release) => {
    const transfer = show(record, file, release);
    await store.put(record).catch(() => {});
    // Beside the upload: a browser copies the file, which takes a while.
    if (size <= settings.keepBytes) void store.putFile(id, file);
    await transfer.start();
  });
}

/**
 * Two tabs must not send the same upload. Whoever holds its lock has it; a tab that waits for the lock gets it when the
 * other one is closed, and looks then whether there is something left to do.
 */
async function own(id: string, take: (release: () => void) => Promise<void>): Promise<void> {
  if (!hasLocks()) return await take(() => {});
  await navigator.locks.request(`upload ${id}`, async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    await take(resolve);
    await promise;
  });
}

/** Takes up what an earlier visit left. */
async function restore(id: string): Promise<void> {
  await own(id, async (release) => {
    const record = await store.get(id);
    const file = record && await store.file(id);
    if (!record) return release();
    if (!file && !record.checkpoint) {
      await store.delete(id); // nothing has been stored, and there is nothing to store
      return release();
    }
    const transfer = show(record, file, release);
    if (transfer.phase === "waiting") await transfer.start();
  });
}

// On a phone it would stand above all uploads.
byId<HTMLDetailsElement>("hard").open = matchMedia("(min-width: 60rem)").matches;
byId("limits").textContent = `Up to ${bytes(settings.maxBytes)} each: ${
  typesInWords(settings.contentTypes)
}.`;
byId("fleeting").hidden = store.lasting || !hasLocks();
byId("insecure").hidden = hasLocks();
acceptFiles(chooser, byId("drop"), add);
for (const { id } of await store.list()) void restore(id);
renderList();
document.documentElement.dataset.ready = "";
