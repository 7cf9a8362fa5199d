import { existsSync } from 'node:fs'
import { configDefaults, defineConfig } from 'vitest/config'

/** Parse Server brings hundreds of packages, so it is installed only where it is wanted. */
const hasParseServer = existsSync(new URL('stories/parse/node_modules/parse-server', import.meta.url))
if (!hasParseServer)
  process.stdout.write('Left out: the story of Parse Server. `npm run test:parse` installs it and runs it.\n')

export default defineConfig({
  test: {
    include: ['{contract,server,connectors,sdk,console,testkit,tidy}/**/*.test.ts', 'stories/**/*.test.ts'],
    exclude: [...configDefaults.exclude, ...(hasParseServer ? [] : ['stories/parse/**'])],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    pool: 'forks',
    // Much of a test's time is waiting; one worker, as two cores would have it, leaves them idle.
    maxWorkers: 2,
    globalSetup: ['testkit/src/global-setup.ts'],
  },
})
