import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

export default defineConfig({
  // Relative, so that one build serves at any address; the engine makes the page's own links absolute.
  base: './',
  plugins: [react()],
  html: { cspNonce: '__PERMEA_NONCE__' },
  build: {
    target: 'es2024',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1500,
    reportCompressedSize: false,
  },
})
