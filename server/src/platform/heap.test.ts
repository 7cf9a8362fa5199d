import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const SCRIPT = `
import { getHeapSpaceStatistics } from 'node:v8'
const { keepHeapSmall } = await import(${JSON.stringify(new URL('./heap.ts', import.meta.url).href)})
const young = () => getHeapSpaceStatistics().find((space) => space.space_name === 'new_space').space_size
keepHeapSmall()
const before = young()
let alive = []
for (let at = 0; at < 5_000_000; at += 1) {
  alive.push({ at })
  if (alive.length > 200_000) alive = []
}
console.log(JSON.stringify([before, young()]))`

test('what is short-lived has 32 MiB of the heap, however much there is of it', async () => {
  const run = promisify(execFile)
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', SCRIPT])
  expect(JSON.parse(stdout)).toEqual([32 * 1024 * 1024, 32 * 1024 * 1024])
})
