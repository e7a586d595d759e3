/// <reference lib="dom" />
/** The list of uploads: adds files, shows each as a card, and takes up what an earlier visit has left. */

import { announcement, type Spoken } from "./announce.ts";
import { randomId } from "./random_id.ts";
import type { Sender } from "./sender.ts";
import { hasLocks, type StoredUpload, type UploadStore } from "./store.ts";
import { Transfer } from "./transfer.ts";
import { slots } from "./queue.ts";
import { type Card, createCard } from "./view.ts";

/** How many uploads are at work at once. */
const AT_ONCE = 3;

/** What the list is made of. */
export interface UploadListOptions {
  readonly list: HTMLElement;
  /** The template of a card. */
  readonly template: HTMLTemplateElement;
  /** What gets the focus when no card is left that could have it. */
  readonly fallback: HTMLElement;
  readonly store: UploadStore;
  readonly sender: Sender;
  /** Files up to this size are kept in the browser; in bytes. */
  readonly keepBytes: number;
  /** The bytes of each request of an upload, for the marks on its bar. */
  readonly chunkSizeOf: (record: StoredUpload) => number;
  /** Says aloud what happened. */
  readonly say: (message: string) => void;
  /** Called after every change of an upload. */
  readonly onChange: (transfer: Transfer) => void;
  /** Called, at most once a frame, when the list has changed. */
  readonly onList: () => void;
}

/** The list. */
export interface UploadList {
  /** All uploads that are shown. */
  readonly transfers: readonly Transfer[];
  /** Begins with new files; one that an upload is waiting for goes on with it. */
  add(files: readonly File[], how?: string): void;
  /** Takes up what an earlier visit has left. */
  restore(): Promise<void>;
}

/** An upload on the page. */
interface Shown {
  readonly card: Card;
  spoken: Spoken | undefined;
  /** Lets another tab have the upload. */
  readonly release: () => void;
}

/** Makes the list work. */
export function createUploadList(options: UploadListOptions): UploadList {
  const { list, template, fallback, store, sender, keepBytes, chunkSizeOf, say, onList } = options;
  const acquireSlot = slots(AT_ONCE);
  const shown = new Map<Transfer, Shown>();
  const changed = new Set<Transfer>();
  let latest = 0; // when the last file was added

  /** Notes that an upload has changed. The page follows once a frame, however many changes there are. */
  const onChange = (transfer: Transfer): void => {
    const at = shown.get(transfer);
    if (!at) return;
    const { phase, steady, problem, record: { name, size } } = transfer;
    const now: Spoken = { name, size, phase, steady, problem };
    const words = announcement(at.spoken, now);
    at.spoken = now;
    if (words) say(words);
    options.onChange(transfer);
    if (phase === "gone") return removeCard(transfer, at);
    if (changed.size === 0) requestAnimationFrame(renderChanged);
    changed.add(transfer);
  };

  const renderChanged = (): void => {
    for (const transfer of changed) shown.get(transfer)?.card.render(transfer);
    changed.clear();
    onList();
  };

  /** Puts an upload on the page. */
  const show = (record: StoredUpload, file: File | undefined, release: () => void): Transfer => {
    const transfer = new Transfer(record, file, { sender, store, acquireSlot, onChange });
    const card = createCard(transfer, chunkSizeOf(record), template, {
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
  };

  /** The first card of an upload that was added later. What an earlier visit left arrives in any order. */
  const laterThan = ({ created }: StoredUpload): HTMLElement | null => {
    const later = [...shown].filter(([{ record }]) => record.created > created)
      .sort(([a], [b]) => a.record.created - b.record.created);
    return later[0]?.[1].card.element ?? null;
  };

  /** Takes a card away. If it had the focus, the nearest thing that can have it gets it. */
  const removeCard = (transfer: Transfer, { card: { element }, release }: Shown): void => {
    shown.delete(transfer);
    changed.delete(transfer);
    const next = element.nextElementSibling ?? element.previousElementSibling;
    const focused = element.contains(document.activeElement);
    element.remove();
    release();
    onList();
    if (!focused) return;
    const button = next?.querySelector<HTMLElement>("button:not([hidden], [disabled])");
    (button ?? fallback).focus();
  };

  const begin = async (file: File, how: string | undefined): Promise<void> => {
    const { name, size, type, lastModified } = file;
    const id = randomId();
    latest = Math.max(Date.now(), latest + 1); // no two at the same time: that is their order
    const record: StoredUpload = {
      ...{ id, name, size, type, lastModified, ...how !== undefined && { how } },
      created: latest,
      paused: false,
    };
    await own(id, async (release) => {
      const transfer = show(record, file, release);
      await store.put(record).catch(() => {});
      // Beside the upload: a browser copies the file, which takes a while.
      if (size <= keepBytes) void store.putFile(id, file);
      await transfer.start();
    });
  };

  const restoreOne = (id: string): Promise<void> =>
    own(id, async (release) => {
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

  return {
    get transfers() {
      return [...shown.keys()];
    },
    add(files, how) {
      for (const file of files) {
        const waiting = [...shown.keys()].find(({ phase, record }) =>
          phase === "needs-file" && record.name === file.name && record.size === file.size &&
          record.lastModified === file.lastModified
        );
        if (waiting) void waiting.offer(file);
        else void begin(file, how);
      }
      const { length } = files;
      if (length > 0) say(length === 1 ? "1 file added" : `${length} files added`);
    },
    async restore() {
      for (const { id } of await store.list()) void restoreOne(id);
    },
  };
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
