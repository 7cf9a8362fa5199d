import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { createTestDatabase, until } from '@permea/testkit'
import { expect, test } from 'vitest'

const MAIN = fileURLToPath(new URL('../server/src/main.ts', import.meta.url))

test('a port of 0 is a free one, and what is printed leads there', async () => {
  await using database = await createTestDatabase()
  const dataDir = await mkdtemp(path.join(tmpdir(), 'permea-start-'))
  const engine = spawn(process.execPath, [MAIN], {
    env: {
      DATABASE_URL: database.url,
      PORT: '0',
      PERMEA_DATA_DIR: dataDir,
      PERMEA_CONSOLE: '0',
      PERMEA_LOG_LEVEL: 'error',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    let printed = ''
    engine.stdout.on('data', (chunk: Buffer) => {
      printed += String(chunk)
    })
    const url = await until('it says where it is', 25_000, () => /running on (http:\S+)/.exec(printed)?.[1])
    expect(new URL(url).port).not.toMatch(/^0?$/)
    expect((await fetch(`${url}/readyz`)).status).toBe(200)
    const { servers } = (await (await fetch(`${url}/openapi.json`)).json()) as { servers: { url: string }[] }
    expect(servers[0]?.url).toBe(url)
  } finally {
    engine.kill('SIGTERM')
    if (engine.exitCode === null) await once(engine, 'exit')
    await rm(dataDir, { recursive: true })
  }
})
