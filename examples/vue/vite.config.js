import vue from "@vitejs/plugin-vue";
import { uploadBackend } from "./backend.js";

export default { plugins: [vue(), uploadBackend()] };
