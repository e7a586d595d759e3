import { svelte } from "@sveltejs/vite-plugin-svelte";
import { uploadBackend } from "./backend.js";

export default { plugins: [svelte(), uploadBackend()] };
