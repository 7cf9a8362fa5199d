import {
  MembraneProvider,
  useActions,
  useAppDataSchemas,
  useAppEventSubscriptions,
  useAppEventTypes,
  useConnection,
  useConnections,
  useDataLinkTables,
  useDataSources,
  useExternalEventSubscriptions,
  useFieldMappings,
  useFlow,
  useFlowInstance,
  useFlowInstances,
  useFlowRuns,
  useFlows,
  useIntegration,
  useIntegrations,
  useMembrane,
} from '@membranehq/react'
import { createElement as h, useState } from 'react'
import { createRoot } from 'react-dom/client'

// A page of a product as it is written for the published hooks; that its address is another one is all that changed.

const { token, apiUri } = JSON.parse(document.getElementById('engine').textContent)

function Lists() {
  const lists = {
    integrations: useIntegrations(),
    connections: useConnections(),
    flows: useFlows(),
    flowInstances: useFlowInstances(),
    flowRuns: useFlowRuns(),
    actions: useActions(),
    appEventTypes: useAppEventTypes(),
    appEventSubscriptions: useAppEventSubscriptions(),
    externalEventSubscriptions: useExternalEventSubscriptions(),
    dataSources: useDataSources(),
    fieldMappings: useFieldMappings(),
    dataLinkTables: useDataLinkTables(),
    appDataSchemas: useAppDataSchemas(),
  }
  const shown = Object.entries(lists).map(([name, { items, loading, error }]) => [
    name,
    loading ? 'loading' : (error?.message ?? items.length),
  ])
  return h('pre', { id: 'lists' }, JSON.stringify(Object.fromEntries(shown)))
}

function Elements() {
  const { integration } = useIntegration('crm')
  const { connection, refresh } = useConnection('crm')
  const { flow } = useFlow('sync')
  const { flowInstance, patch } = useFlowInstance({ flowKey: 'sync', autoCreate: true })
  const membrane = useMembrane()
  const [said, setSaid] = useState('')
  const connect = async () => {
    const made = await membrane.integration('crm').connect({ input: { apiKey: 'k-1' } })
    await refresh()
    setSaid(`connected ${made?.id}`)
  }
  const enable = () => patch({ enabled: !flowInstance.enabled })
  const run = async () => {
    const { output } = await membrane.action('open-ticket').run({ subject: 'It does not print' })
    setSaid(`ran ${JSON.stringify(output)}`)
  }
  const shown = {
    integration: integration?.name,
    connection: connection?.name,
    flow: flow?.name,
    enabled: flowInstance?.enabled,
    said,
  }
  return [
    h('pre', { id: 'elements', key: 1 }, JSON.stringify(shown)),
    h('button', { type: 'button', key: 2, onClick: connect }, 'Connect'),
    h('button', { type: 'button', key: 3, onClick: enable }, 'Enable or disable'),
    h('button', { type: 'button', key: 4, onClick: run }, 'Open a ticket'),
  ]
}

createRoot(document.getElementById('root')).render(h(MembraneProvider, { token, apiUri }, h(Lists), h(Elements)))
