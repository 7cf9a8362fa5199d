import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['{contract,server,connectors,sdk,console,testkit,tidy}/**/*.test.ts', 'stories/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    pool: 'forks',
    // Much of a test's time is waiting; one worker, as two cores would have it, leaves them idle.
    maxWorkers: 2,
    globalSetup: ['testkit/src/global-setup.ts'],
  },
})
