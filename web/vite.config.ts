import { defineConfig } from "vite";

// `npm run dev` asks this server; the built page asks the one that it comes from.
const server = "http://127.0.0.1:5000";

export default defineConfig({
  base: "./", // works below any path of a proxy
  build: {
    outDir: "../src/serve/page",
    emptyOutDir: true,
    target: ["chrome125", "firefox128", "safari18"],
    modulePreload: false,
    assetsInlineLimit: 0, // data: URLs are not 'self'
    cssCodeSplit: false,
    reportCompressedSize: false,
    rolldownOptions: {
      output: {
        entryFileNames: "assets/page-[hash].js",
        assetFileNames: "assets/[name]-[hash][extname]",
      },
    },
  },
  server: {
    fs: { allow: [".."] },
    proxy: Object.fromEntries(["/v1", "/openapi.json", "/docs", "/health"].map((path) => [path, server])),
  },
});
