import { customersByIds } from '../customers/store.ts'
import { createBatchLoader } from '../platform/batch-loader.ts'
import type { Database } from '../platform/database.ts'
import type { Sealing } from '../platform/sealing.ts'
import type { Apps } from './apps.ts'
import type { AuthContext, Made } from './auth-function.ts'
import { type Connection, openSecrets } from './connection.ts'
import { connectionError } from './failure.ts'

/** Gathers what the functions of a connection's connector need. */
export type AuthContextOf = (connection: Connection) => Promise<Made<AuthContext>>

export function createAuthContexts(options: { database: Database; sealing: Sealing; apps: Apps }): AuthContextOf {
  const { db } = options.database
  const loadCustomer = createBatchLoader({ load: (ids) => customersByIds(db, ids) })
  return async (connection) => {
    const [app, customer] = await Promise.all([options.apps.of(connection), loadCustomer(connection.customerId)])
    if (app === null) {
      const message = `the connector has no way to connect called ${JSON.stringify(connection.authOptionKey)}, or is gone`
      return { kind: 'failed', error: connectionError('connection_failed', message) }
    }
    if (customer === undefined) throw new Error(`connection ${connection.id} has no customer`)
    const { credentials, input, connectorParameters } = openSecrets(connection, options.sealing)
    return {
      kind: 'made',
      value: { customer, app, connectionId: connection.id, credentials, input, connectorParameters },
    }
  }
}
