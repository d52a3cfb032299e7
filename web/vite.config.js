// The page as static files in dist/, which any host can serve from any folder.
import { defineConfig } from "vite";

export default defineConfig({
  base: "./",
  define: { __COURSE__: JSON.stringify(process.env.COURSE === "1") },
  worker: { format: "es" },
  build: { target: "es2022", chunkSizeWarningLimit: 1000 },
});
