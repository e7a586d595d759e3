import { createFile, type Drive, updateFile } from "./files.ts";
import { signIn } from "./sign_in.ts";

const input = document.querySelector<HTMLInputElement>("#file")!;
const output = document.querySelector<HTMLOutputElement>("#output")!;
const hint = document.querySelector<HTMLElement>("#hint")!;

/** The file in Drive, once there is one: the next content goes there. */
let id: string | undefined;
let drive: Promise<Drive> | undefined;

async function open(): Promise<Drive> {
  const { endpoint, clientId } = await (await fetch("/settings")).json();
  return { endpoint, token: clientId ? await signIn(clientId) : "emulated" };
}

input.addEventListener("change", async () => {
  const content = input.files?.[0];
  if (!content) return;
  input.disabled = true;
  try {
    drive ??= open();
    const file = id === undefined
      ? await createFile(content, await drive)
      : await updateFile(id, content, await drive);
    output.value = `${
      id === undefined ? "created" : "updated"
    } ${file.name}: ${file.size} bytes, MD5 ${file.md5Checksum}`;
    hint.textContent = "Choose another file: its content replaces that one's.";
    id = file.id;
  } catch (error) {
    drive = undefined; // a token lives an hour
    output.value = `failed: ${error}`;
  } finally {
    input.disabled = false;
  }
});
