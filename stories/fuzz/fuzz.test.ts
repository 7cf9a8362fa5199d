import { createEngineProcess, createTestDatabase, startReceiver } from '@permea/testkit'
import { expect, test } from 'vitest'
import { Fuzz, setScene } from './fuzz.ts'

/** `npm run fuzz -- 60 [seed]` goes on for longer than this. */
const SECONDS = Number(process.env.FUZZ_SECONDS ?? 4)
const SEED = Number(process.env.FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31))
const SILENCE_MS_MAX = 250

test('whatever is sent: no 500, no answer out of its shape, no silence', {
  timeout: (SECONDS + 120) * 1000,
}, async () => {
  await using receiver = await startReceiver()
  await using database = await createTestDatabase()
  await using engine = await createEngineProcess({ databaseUrl: database.url, reachablePorts: [receiver.port] })
  await engine.start()
  const scene = await setScene(engine.as({ isAdmin: true }), engine.as({ id: 'acme' }), receiver.url)
  const fuzz = new Fuzz(engine, scene, SEED)
  await fuzz.run(performance.now() + SECONDS * 1000)
  const said = `${fuzz.summary()}\nrepeat it with the seed ${SEED}; the log of the engine ends with\n${engine.log().slice(-4000)}`
  process.stderr.write(`${fuzz.summary()}\n`)
  expect(engine.isUp, said).toBe(true)
  expect([...fuzz.complaints.keys()], said).toEqual([])
  expect(fuzz.longestSilenceMs, said).toBeLessThan(SILENCE_MS_MAX)
})
