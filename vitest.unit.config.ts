import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { configDefaults, defineConfig } from 'vitest/config'

const root = fileURLToPath(new URL('.', import.meta.url))

/** What a test needs a database, a socket, a browser or a process apart for. */
const NEEDS_MORE =
  /@permea\/testkit|testkit\/src|\/trial\.ts|\/far-end\.ts|\/child\/|from 'node:(?:net|tls|https?|child_process)'|playwright|embedded|\/job\.ts|\/workers?\.ts|\/computing\.ts/

/** Pure, but about large bodies and many requests: they take their time. */
const TAKE_LONG = /(?:bodies\/json(?:-text)?|outbound\/storm)\.test\.ts$/

/** Pure tests: rules, shapes, arithmetic. A test joins them by needing nothing else. */
const pure = globSync('{contract,server,sdk}/**/*.test.ts', { cwd: root })
  .filter((path) => !path.includes('node_modules') && !TAKE_LONG.test(path))
  .filter((path) => !NEEDS_MORE.test(readFileSync(new URL(path, import.meta.url), 'utf8')))

export default defineConfig({
  test: {
    include: pure,
    exclude: configDefaults.exclude,
    pool: 'threads',
    isolate: false,
    maxWorkers: '100%',
    testTimeout: 60_000,
  },
})
