import { createTestDatabase } from '@permea/testkit'
import { expect, test } from 'vitest'
import { beforehand, isInTransaction } from './beforehand.ts'
import { createDatabase, sql } from './database.ts'
import { silentLog } from './log.ts'

test('what is to be done before a transaction is done once, while none is open, and found when it is begun anew', async () => {
  await using own = await createTestDatabase()
  // One connection: who asks for another while it is held would wait for ever.
  const database = createDatabase({ url: own.url, connectionsMax: 1, log: silentLog })
  await sql`create table noted (text text)`.execute(database.db)
  const done: string[] = []
  const work = (name: string) => async () => {
    expect(isInTransaction()).toBe(false)
    await sql`select 1`.execute(database.db)
    done.push(name)
    if (name === 'c') throw new Error('c failed')
    return `${name} is done`
  }
  let begun = 0
  const found = await database
    .transaction(async (tx) => {
      begun += 1
      expect(isInTransaction()).toBe(true)
      await sql`insert into noted values (${`time ${begun}`})`.execute(tx)
      const [a, b] = await Promise.all([beforehand('a', work('a')), beforehand('b', work('b'))])
      const c = await beforehand('c', work('c')).catch((error: Error) => error.message)
      return [a, b, c]
    })
    .catch((error: Error) => error.message)
  // Also of what is caught where it is waited for.
  expect(found).toEqual(['a is done', 'b is done', 'c failed'])
  expect(done).toEqual(['a', 'b', 'c'])
  const { rows } = await sql`select text from noted`.execute(database.db)
  expect(rows).toEqual([{ text: `time ${begun}` }])
  expect(await beforehand('a', work('outside'))).toBe('outside is done')
  await database.close()
})

test('what goes on when its transaction is over is in none', async () => {
  await using own = await createTestDatabase()
  const database = createDatabase({ url: own.url, connectionsMax: 1, log: silentLog })
  const later = Promise.withResolvers<void>()
  const after = await database.transaction(async () => [later.promise.then(() => beforehand('a', async () => 'done'))])
  later.resolve()
  expect(await Promise.all(after)).toEqual(['done'])
  await expect(
    database.transaction(() => beforehand('b', () => Promise.reject(new Error('it failed')))),
  ).rejects.toThrow('it failed')
  await database.close()
})
