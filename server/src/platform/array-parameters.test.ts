import { createTestDatabase } from '@permea/testkit'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { booleans, integers, moments, reals, smallints, texts, uuids } from './array-parameters.ts'
import { createDatabase } from './database.ts'
import { silentLog } from './log.ts'

const nullable = <T>(value: fc.Arbitrary<T>) => fc.array(fc.option(value), { maxLength: 12 })
const lists = fc.record({
  uuids: nullable(fc.uuid()),
  texts: nullable(fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll('\0', ''))),
  moments: nullable(fc.date({ min: new Date('1900-01-01'), max: new Date('2200-01-01'), noInvalidDate: true })),
  integers: nullable(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })),
  smallints: nullable(fc.integer({ min: -32_768, max: 32_767 })),
  booleans: nullable(fc.boolean()),
  // Those that are printed as they are.
  reals: nullable(fc.integer({ min: -100_000, max: 100_000 }).map((value) => value / 2)),
})

test('what is sent as a list arrives as that list, nulls and all', async () => {
  await using given = await createTestDatabase()
  const database = createDatabase({ url: given.url, connectionsMax: 1, log: silentLog })
  try {
    await fc.assert(
      fc.asyncProperty(lists, async (sent) => {
        const { rows } = await database.pool.query({
          text: `select $1::uuid[] as uuids, $2::text[] as texts, $3::timestamptz[] as moments, $4::integer[] as integers,
                        $5::smallint[] as smallints, $6::boolean[] as booleans, $7::real[] as reals`,
          values: [
            uuids(sent.uuids),
            texts(sent.texts),
            moments(sent.moments),
            integers(sent.integers),
            smallints(sent.smallints),
            booleans(sent.booleans),
            reals(sent.reals),
          ],
        })
        expect(rows).toEqual([sent])
      }),
    )
  } finally {
    await database.close()
  }
})
