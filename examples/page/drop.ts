/// <reference lib="dom" />
/** Files come in by choosing them, or by dropping them anywhere on the page. */

/** Hands over the files that the user chooses or drops. */
export function acceptFiles(
  chooser: HTMLInputElement,
  zone: HTMLElement,
  add: (files: readonly File[]) => void,
): void {
  chooser.addEventListener("change", () => {
    const files = [...chooser.files ?? []];
    chooser.value = ""; // so that the same file can be chosen again
    add(files);
  });
  // The whole page takes them: a file that misses the zone must not replace the page.
  let depth = 0;
  const mark = (change: number) => {
    depth = zone.hidden ? 0 : Math.max(0, depth + change);
    zone.toggleAttribute("data-over", depth > 0);
  };
  addEventListener("dragenter", (event) => carriesFiles(event) && mark(1));
  addEventListener("dragleave", (event) => carriesFiles(event) && mark(-1));
  addEventListener("dragover", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    event.dataTransfer!.dropEffect = "copy";
  });
  addEventListener("drop", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    mark(-depth);
    add([...event.dataTransfer!.files]);
  });
}

function carriesFiles({ dataTransfer }: DragEvent): boolean {
  return dataTransfer?.types.includes("Files") ?? false;
}
