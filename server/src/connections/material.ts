import { customersByIds } from '../customers/store.ts'
import type { Database } from '../platform/database.ts'
import type { Sealing } from '../platform/sealing.ts'
import type { Apps } from './apps.ts'
import type { AuthMaterial, Made } from './auth-function.ts'
import { type Connection, openSecrets } from './connection.ts'
import { connectionError } from './failure.ts'

/** Gathers what the functions of a connection's connector need. */
export type MaterialOf = (connection: Connection) => Promise<Made<AuthMaterial>>

export function createMaterial(options: { database: Database; sealing: Sealing; apps: Apps }): MaterialOf {
  return async (connection) => {
    const app = await options.apps.of(connection)
    if (app === null) {
      const message = `the connector has no way to connect called ${JSON.stringify(connection.authOptionKey)}, or is gone`
      return { kind: 'failed', error: connectionError('connection_failed', message) }
    }
    const customer = (await customersByIds(options.database.db, [connection.customerId])).get(connection.customerId)
    if (customer === undefined) throw new Error(`connection ${connection.id} has no customer`)
    const { credentials, input, connectorParameters } = openSecrets(connection, options.sealing)
    return {
      kind: 'made',
      value: { customer, app, connectionId: connection.id, credentials, input, connectorParameters },
    }
  }
}
