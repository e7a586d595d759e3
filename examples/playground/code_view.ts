/// <reference lib="dom" />
/** The code that has sent a file, or that would send the next one. */

import type { StoredUpload } from "../page/store.ts";
import type { Choice } from "./choice.ts";
import { codeOf, SHOWN } from "./code.ts";
import { choiceOf } from "./sender.ts";

/** What the button says for two seconds, to those who see it. */
const COPIED = "Copied";

/** The parts of the page. */
export interface CodeParts {
  /** Chooses whose code is shown. */
  readonly chooser: HTMLSelectElement;
  readonly text: HTMLElement;
  readonly copy: HTMLButtonElement;
}

/** The code on the page. */
export interface CodeView {
  /** Brings the choice up to date; an upload that is new is shown. */
  update(uploads: readonly StoredUpload[]): void;
}

/** Makes it work. */
export function createCodeView(
  { chooser, text, copy }: CodeParts,
  base: string,
  chosen: () => Choice,
  say: (message: string) => void,
): CodeView {
  let uploads: readonly StoredUpload[] = [];
  const render = () => {
    const upload = uploads.find(({ id }) => id === chooser.value);
    const name = upload?.target?.name ?? "uploads/1/photo.jpg";
    const code = codeOf({
      ...upload ? choiceOf(upload) : chosen(),
      base,
      name,
      type: upload ? upload.type : "image/jpeg",
    }, SHOWN);
    if (text.textContent !== code) text.textContent = code;
  };
  chooser.addEventListener("change", render);
  copy.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text.textContent ?? "");
      say("The code is copied");
      const { textContent: name } = copy;
      if (name === COPIED) return;
      copy.textContent = COPIED;
      setTimeout(() => copy.textContent = name, 2000);
    } catch {
      getSelection()?.selectAllChildren(text);
      say("This browser copies nothing by itself: the code is selected");
    }
  });
  return {
    update(next) {
      const before = new Set(uploads.map(({ id }) => id));
      uploads = next.filter(({ target }) => target !== undefined);
      const added = uploads.findLast(({ id }) => !before.has(id));
      const gone = [...before].some((id) => !uploads.some((upload) => upload.id === id));
      if (added || gone) {
        const { value } = chooser;
        chooser.replaceChildren(
          new Option("The next file", ""),
          ...uploads.map(({ id, name }) => new Option(name, id)),
        );
        chooser.value = added?.id ?? (uploads.some(({ id }) => id === value) ? value : "");
      }
      render();
    },
  };
}
