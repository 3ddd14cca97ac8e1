// SPDX-License-Identifier: Apache-2.0
import { defineConfig } from 'vite';

// Where `npm run dev` finds a server: WEIR_URL=http://127.0.0.1:8080 npm run dev
const server = process.env.WEIR_URL ?? 'http://127.0.0.1:8080';
const proxied = ['/api', '/healthz', '/readyz', '/metrics', '/problems'];

export default defineConfig({
  base: './', // index.html has <base href="/">; a proxy that serves weir under a prefix changes that one tag
  esbuild: { jsx: 'automatic', jsxImportSource: 'preact' },
  build: { target: 'es2022', sourcemap: false, assetsInlineLimit: 0 },
  server: {
    host: '127.0.0.1',
    proxy: Object.fromEntries(proxied.map((p) => [p, { target: server, changeOrigin: true }])),
  },
});
