import { send } from "./send.ts";

const input = document.querySelector<HTMLInputElement>("#file")!;
const output = document.querySelector<HTMLOutputElement>("#output")!;

input.addEventListener("change", async () => {
  const file = input.files?.[0];
  if (!file) return;
  try {
    const object = await send(file, ({ persisted, total }) => {
      output.value = `${persisted} of ${total} bytes are stored`;
    });
    output.value = `stored as ${object.name}, ${object.size} bytes, CRC32C ${object.crc32c}`;
  } catch (error) {
    output.value = `failed: ${error}`;
  }
});
