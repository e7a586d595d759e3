import react from "@vitejs/plugin-react";
import { uploadBackend } from "./backend.js";

export default { plugins: [react(), uploadBackend()] };
