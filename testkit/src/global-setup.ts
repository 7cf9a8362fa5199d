import { chmod, mkdtemp, rm, statfs, writeFile } from 'node:fs/promises'
import { freemem, tmpdir } from 'node:os'
import path from 'node:path'
import pg from 'pg'
import type { TestProject } from 'vitest/node'
import { migrateAll } from '../../server/src/engine.ts'
import { systemClock } from '../../server/src/platform/clock.ts'
import { createDatabase } from '../../server/src/platform/database.ts'
import { startEmbeddedPostgres } from '../../server/src/platform/embedded-postgres.ts'
import { silentLog } from '../../server/src/platform/log.ts'
import { keepPartitions } from '../../server/src/platform/partitions.ts'
import { TEMPLATE } from './database.ts'
import { checkCoverage } from './endpoint-coverage.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    postgres: string
  }
}

/**
 * One PostgreSQL for the whole test run, with a migrated template that every test clones. Its files are thrown away
 * afterwards, so it need not flush to the disk: killing the server process loses nothing all the same.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const dir = await mkdtemp(path.join(await roomyDirectory(), 'permea-test-'))
  // Readable for the user that PostgreSQL runs as where the tests run as root.
  await chmod(dir, 0o755)
  const server = await startEmbeddedPostgres({
    dataDir: path.join(dir, 'postgres'),
    log: silentLog,
    ...(process.env.PERMEA_TEST_POSTGRES ? { binaries: process.env.PERMEA_TEST_POSTGRES } : {}),
    settings: [
      'fsync=off',
      'full_page_writes=off',
      'max_connections=300',
      'shared_buffers=128MB',
      'max_wal_size=512MB',
    ],
  })
  const admin = new pg.Client({ connectionString: server.urlOf('postgres') })
  await admin.connect()
  await admin.query(`create database ${TEMPLATE}`)
  await migrateAll(server.urlOf(TEMPLATE), silentLog)
  const database = createDatabase({ url: server.urlOf(TEMPLATE), connectionsMax: 1, log: silentLog })
  await keepPartitions(database, systemClock.now(), 30, 0)
  await database.close()
  // Nobody, not even autovacuum, may be in the template while it is cloned.
  await admin.query(`alter database ${TEMPLATE} allow_connections false`)
  await admin.end()
  project.provide('postgres', server.urlOf('{name}'))
  const answersFile = path.join(dir, 'answers')
  await writeFile(answersFile, '')
  project.provide('answersFile', answersFile)
  return async () => {
    await server.stop()
    try {
      await checkCoverage(project, answersFile)
    } finally {
      await rm(dir, { recursive: true, force: true })
    }
  }
}

const MEMORY_DISK = '/dev/shm'
const GIBIBYTE = 2 ** 30

/** In memory where there is plenty: a database is cloned for nearly every test, and a disk makes each of them wait. */
async function roomyDirectory(): Promise<string> {
  const disk = await statfs(MEMORY_DISK).catch(() => null)
  const isRoomy = disk !== null && disk.bavail * disk.bsize > 4 * GIBIBYTE && freemem() > 8 * GIBIBYTE
  return isRoomy ? MEMORY_DISK : tmpdir()
}
