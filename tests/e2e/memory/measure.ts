/**
 * Runs an uploader and an emulator, each in a process of its own.
 *
 * @module
 */

/** The peak of the memory of both processes: RSS, in bytes. */
export interface Peaks {
  /** Of the process that uploads. */
  readonly uploader: number;
  /** Of the process that is uploaded to. */
  readonly emulator: number;
}

/** Uploads a stream of so many bytes. */
export async function measure(bytes: number, chunkSize: number): Promise<Peaks> {
  const emulator = deno("emulator.ts", [], "piped").spawn();
  const exited = emulator.status;
  try {
    const lines = emulator.stdout.pipeThrough(new TextDecoderStream()).getReader();
    const origin = (await lines.read()).value!.trim();
    const args = [origin, String(bytes), String(chunkSize)];
    const { success, stdout } = await deno("uploader.ts", args, "null").output();
    if (!success) throw new Error("The uploader failed");
    await emulator.stdin.close();
    const peak = (await lines.read()).value!;
    return { uploader: Number(new TextDecoder().decode(stdout)), emulator: Number(peak) };
  } catch (error) {
    emulator.kill();
    throw error;
  } finally {
    await exited;
  }
}

function deno(script: string, args: string[], stdin: "piped" | "null"): Deno.Command {
  const path = new URL(script, import.meta.url);
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--allow-all", "--no-check", path.href, ...args],
    stdin,
    stdout: "piped",
    stderr: "inherit",
  });
}
