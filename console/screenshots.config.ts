import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

/** Makes the pictures of docs/use/console.md, from a workspace where something happens. */
export default defineConfig({
  test: {
    include: ['console/tests/*.shots.ts'],
    // Named, so that the run does not count as the whole suite.
    testNamePattern: 'pictures',
    testTimeout: 120_000,
    hookTimeout: 60_000,
    pool: 'forks',
    globalSetup: [fileURLToPath(new URL('../testkit/src/global-setup.ts', import.meta.url))],
  },
})
