import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { configDefaults, defineConfig } from 'vitest/config'

/** Parse Server brings hundreds of packages, so it is installed only where it is wanted. */
const hasParseServer = existsSync(new URL('stories/parse/node_modules/parse-server', import.meta.url))
if (!hasParseServer)
  process.stdout.write('Left out: the story of Parse Server. `npm run test:parse` installs it and runs it.\n')

/** Stories of the pooler need Debian's package of it. */
const hasPgBouncer = (process.env.PATH ?? '').split(delimiter).some((dir) => existsSync(join(dir, 'pgbouncer')))
if (!hasPgBouncer) process.stdout.write('Left out: the story of the pooler. It needs `pgbouncer` on the PATH.\n')

export default defineConfig({
  test: {
    include: ['{contract,server,connectors,sdk,cli,console,testkit,tidy}/**/*.test.ts', 'stories/**/*.test.ts'],
    exclude: [
      ...configDefaults.exclude,
      ...(hasParseServer ? [] : ['stories/parse/**']),
      ...(hasPgBouncer ? [] : ['stories/operate/pooler.test.ts']),
    ],
    // Far more than any needs, for machines that are busy with something else.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 20_000 } },
    pool: 'forks',
    // Much of a test's time is waiting; a worker for each of two cores leaves them idle.
    maxWorkers: 3,
    globalSetup: ['testkit/src/global-setup.ts'],
  },
})
