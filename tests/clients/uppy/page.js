// A page with Uppy's dashboard in front of the proxy. It is bundled with the Uppy that examples/page/uppy names.

import Uppy from "@uppy/core";
import Dashboard from "@uppy/dashboard";
import Tus from "@uppy/tus";

/** Puts the dashboard on the page; `said` collects what happens to the files. */
globalThis.begin = ({ proxy, bucket, ticket, options = {} }) => {
  // docs/clients.md shows what is between these two lines.
  const uppy = new Uppy({ restrictions: { maxFileSize: 250_000_000 } })
    .use(Dashboard, { inline: true, target: "#uppy" })
    .use(Tus, {
      endpoint: `${proxy}/upload/storage/v1/b/${bucket}/o`, // of https://upload.example.com, say
      headers: () => ({ Authorization: `Bearer ${ticket}` }), // or (file) => …, a ticket for each
      chunkSize: 8 * 1024 * 1024, // a multiple of 262144, not above the proxy's MAX_CHUNK_BYTES
      retryDelays: [0, 1000, 3000, 5000],
    });
  // docs/clients.md shows what is between these two lines.
  globalThis.set = (changed) => uppy.getPlugin("Tus").setOptions(changed);
  set(options);
  const said = globalThis.said = [];
  uppy.on("upload-success", ({ name }) => said.push(`${name}: stored`));
  uppy.on("upload-error", ({ name }, { message }) => said.push(`${name}: ${message}`));
};

/** Drops files onto the dashboard, as a person does. */
globalThis.drop = (files) => {
  const data = new DataTransfer();
  for (const { name, type = "image/png", size } of files) {
    const bytes = Uint8Array.from({ length: size }, (_, index) => index % 251);
    data.items.add(new File([bytes], name, { type, lastModified: 1 }));
  }
  const target = document.querySelector(".uppy-Dashboard-inner");
  for (const kind of ["dragover", "drop"]) {
    const event = new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true });
    target.dispatchEvent(event);
  }
};
