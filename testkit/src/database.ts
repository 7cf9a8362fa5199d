import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { inject } from 'vitest'

export const TEMPLATE = 'permea_template'

/** A database of its own for one test, migrated; dropped when disposed of. */
export interface TestDatabase extends AsyncDisposable {
  url: string
  name: string
}

/** Connection string of a database on the test server. */
function urlOf(name: string): string {
  return inject('postgres').replace(encodeURIComponent('{name}'), name).replace('{name}', name)
}

async function asAdmin(statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: urlOf('postgres') })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}

export function createTestDatabase(): Promise<TestDatabase> {
  return createFrom(TEMPLATE)
}

/** One with nothing in it, not even a schema. */
export function createEmptyDatabase(): Promise<TestDatabase> {
  return createFrom('template0')
}

async function createFrom(template: string): Promise<TestDatabase> {
  const name = `t_${randomUUID().replaceAll('-', '').slice(0, 16)}`
  // Copying the files takes a tenth of the time that writing every page through the log does.
  await asAdmin(`create database ${name} template ${template} strategy file_copy`)
  return {
    url: urlOf(name),
    name,
    [Symbol.asyncDispose]: () => asAdmin(`drop database if exists ${name} with (force)`),
  }
}
