import { uploadBackend } from "./backend.js";

export default { plugins: [uploadBackend()] };
