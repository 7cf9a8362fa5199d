import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const RUN = fileURLToPath(new URL('run.ts', import.meta.url))

/** In a process of its own, since it takes over the timers of the process it runs in. */
function simulate(...options: string[]): Promise<{ code: number; said: string }> {
  return new Promise((resolve) =>
    execFile(process.execPath, [RUN, ...options], { maxBuffer: 16 * 1024 * 1024 }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), said: stdout + stderr }),
    ),
  )
}

test('whatever dies, is late or comes twice, every promise is kept', { timeout: 120_000 }, async () => {
  const { code, said } = await simulate('--seed', '900000', '--seeds', '300')
  expect(said).toMatch(/^300 seeds kept every promise/)
  expect(code).toBe(0)
})

test('a mistake is found, and its seed says the same again', { timeout: 120_000 }, async () => {
  const mistake = ['--mutation', 'deletes a batch with its first run']
  const found = await simulate('--seeds', '3000', ...mistake)
  expect(found.code).toBe(1)
  const [last = ''] = found.said.trim().split('\n').slice(-1)
  const seed = /^seed (\d+), digest \w+: a batch goes only when/.exec(last)?.[1] ?? ''
  const again = await simulate('--seed', seed, ...mistake)
  expect(again.said).toBe(found.said)
  expect((await simulate('--seed', seed)).said).toContain(': kept')
})
