import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

// A build started by a test inherits NODE_ENV=test, and would ship React's development half.
process.env.NODE_ENV = 'production';

/**
 * The console as static files. The server replaces `__CSP_NONCE__` in index.html with a fresh nonce per
 * response; nothing is inlined into the bundle because the policy allows no `data:` but for images.
 */
export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  plugins: [react()],
  html: { cspNonce: '__CSP_NONCE__' },
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    target: 'es2023',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1200,
  },
});
