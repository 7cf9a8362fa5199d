import type { House } from './house.ts'

type ConnectorBody = NonNullable<NonNullable<Parameters<House['admin']['connectors']['create']>[0]>['body']>

export interface ConnectedAppOptions {
  /** Where the app's API is. */
  url: string
  /** Of the connector and the integration. */
  key?: string
  /** Says whether the credentials are good; asked when connecting and when there is doubt. */
  test?: string
  events?: ConnectorBody['events']
  operations?: ConnectorBody['operations']
  data?: ConnectorBody['data']
  udm?: ConnectorBody['udm']
  responseHandlers?: ConnectorBody['responseHandlers']
}

/** A connector for an app at `url` that wants an API key as bearer token, and an integration of it. */
export async function addApp(house: Pick<House, 'admin'>, options: ConnectedAppOptions): Promise<void> {
  const { key = 'crm', url, test, events, operations, data, udm, responseHandlers } = options
  await house.admin.connectors.create({
    body: {
      key,
      options: {
        key: {
          type: 'client-credentials',
          inputSchema: { type: 'object', properties: { apiKey: { type: 'string' } } },
          makeApiClient: {
            type: 'mapping',
            mapping: {
              baseUri: url,
              headers: { Authorization: { $concat: ['Bearer ', { $var: '$.credentials.apiKey' }] } },
            },
          },
        },
      },
      ...(test === undefined ? {} : { test }),
      ...(events === undefined ? {} : { events }),
      ...(operations === undefined ? {} : { operations }),
      ...(data === undefined ? {} : { data }),
      ...(udm === undefined ? {} : { udm }),
      ...(responseHandlers === undefined ? {} : { responseHandlers }),
    },
  })
  await house.admin.integrations.create({ body: { key, connectorKey: key } })
}

/** A connection of a customer to such an app. */
export async function connectApp(
  house: Pick<House, 'as'>,
  options: { customer: string; integrationKey?: string; key?: string; apiKey?: string },
) {
  const { customer, integrationKey = 'crm', key, apiKey = 'key-of-the-app' } = options
  const client = await house.as(customer)
  const connection = await client.connections.create({
    body: { integrationKey, input: { apiKey }, ...(key === undefined ? {} : { key }) },
  })
  return { client, connection }
}
