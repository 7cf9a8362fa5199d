import { verifyChain } from '../../../server/src/audit/verify.ts'
import { erasedCustomersOf } from '../../../server/src/erasure/store.ts'
import { createDatabase } from '../../../server/src/platform/database.ts'
import { createLog } from '../../../server/src/platform/log.ts'
import { missingMigrations } from '../../../server/src/platform/migrations.ts'
import { createSealing, derivedKey, sealingKey } from '../../../server/src/platform/sealing.ts'
import { createWorkspaceStore } from '../../../server/src/workspaces/store.ts'
import type { Verified } from '../commands/audit.ts'
import { CliProblem } from '../exit-codes.ts'
import type { Surroundings } from '../surroundings.ts'
import { configurationOf, encryptionKeysOf, openDatabase } from './installation.ts'

/** Verifies the chain of one workspace, or of each, by the database alone. */
export async function verifyInDatabase(
  around: Surroundings,
  { workspace, kept }: { workspace: string | undefined; kept: string | undefined },
): Promise<Verified[]> {
  const config = configurationOf(around)
  const keys = (await encryptionKeysOf(config)).map(sealingKey)
  if (keys.length === 0)
    throw new CliProblem(
      'there is no encryption key to check the seals with; set PERMEA_ENCRYPTION_KEYS as the engine has it',
      'usage',
    )
  await using opened = await openDatabase(config)
  const database = createDatabase({ url: opened.url, connectionsMax: 2, log: createLog('error') })
  try {
    const missing = await missingMigrations(database)
    if (missing.length > 0)
      throw new CliProblem(`the database lacks ${missing.length} migrations of this version; run: permea migrate`)
    const all = await createWorkspaceStore(createSealing(keys)).all(database.db)
    const chosen = workspace === undefined ? all : all.filter((each) => each.key === workspace)
    if (chosen.length === 0)
      throw new CliProblem(
        workspace === undefined
          ? 'there is no workspace in the database'
          : `there is no workspace with the key ${workspace}`,
      )
    const found: Verified[] = []
    for (const { id, key } of chosen)
      found.push({
        workspaceKey: key,
        ...(await verifyChain({
          database,
          workspaceId: id,
          keys: keys.map((each) => derivedKey(each, 'audit log')),
          erasedCustomers: (of) => erasedCustomersOf(database.db, of),
          kept,
        })),
      })
    return found
  } finally {
    await database.close()
  }
}
