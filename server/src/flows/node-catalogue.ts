import { flowNodeTypes as table } from '@permea/contract'
import { type RouteSet, routeSet } from '../api/routes.ts'
import type { NodeAbout } from './node-about.ts'
import type { NodeTypes } from './node-type.ts'
import { RECORD_NODE_ABOUT } from './record-node-about.ts'

const formula = (title: string, description: string) => ({ title, description, format: 'formula' })
const text = (title: string, description: string, more: object = {}) => ({
  type: 'string',
  title,
  description,
  ...more,
})
const objectOf = (properties: Record<string, unknown>, required: readonly string[] = []) => ({
  type: 'object',
  properties,
  required,
})

const requestOf = (uri: string) =>
  objectOf(
    {
      request: {
        ...objectOf(
          {
            method: text('Method', 'POST where none is given', { enum: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] }),
            uri: formula('Address', uri),
            headers: formula('Headers', 'An object of names and values'),
            query: formula('Query', 'An object of names and values'),
            body: formula('Body', 'Sent as JSON where it is an object or a list'),
          },
          ['uri'],
        ),
        title: 'Request',
      },
    },
    ['request'],
  )

const javascript = text('Code', 'export default async function run({ input, user, apiClient }) { … }', {
  format: 'javascript',
})

/** By type. A kind without an entry is shown under its own name and configured as JSON. */
export const NODE_ABOUT: Readonly<Record<string, NodeAbout>> = {
  ...RECORD_NODE_ABOUT,
  'app-event-trigger': {
    title: 'App event',
    summary: 'Starts the flow when your application sends an event',
    config: objectOf(
      {
        appEvent: objectOf(
          { key: text('Event type', 'Which internal event it waits for', { format: 'app-event-type-key' }) },
          ['key'],
        ),
      },
      ['appEvent'],
    ),
  },
  'connector-event-trigger': {
    title: 'Connector event',
    summary: 'Starts the flow on an event of the connected app',
    config: objectOf(
      {
        eventKey: text('Event', 'The key of an event that the connector defines'),
        eventParameters: formula('Parameters', 'Which of these events, as the connector asks'),
      },
      ['eventKey'],
    ),
  },
  'schedule-trigger': {
    title: 'Schedule',
    summary: 'Starts the flow by the clock',
    config: objectOf(
      {
        cron: text('Cron expression', 'Five fields, or six with seconds first: 0 9 * * 1'),
        timeZone: text('Time zone', 'Such as Europe/Berlin; UTC where none is given', { format: 'time-zone' }),
      },
      ['cron'],
    ),
  },
  'api-trigger': {
    title: 'API request',
    summary: 'Starts the flow when the API is asked to run it',
    config: objectOf({}),
  },
  filter: {
    title: 'Filter',
    summary: 'Goes on only where a condition holds',
    config: objectOf({
      filter: {
        title: 'Condition',
        description: 'Goes on where this comes out as true',
        format: 'condition',
      },
    }),
  },
  branch: {
    title: 'Branch',
    summary: 'Goes one of several ways: the first whose condition holds',
    config: objectOf({}),
  },
  delay: {
    title: 'Delay',
    summary: 'Waits, for a while or until a moment, then goes on',
    config: objectOf({
      amount: formula('How long', 'A number of the unit, 30 days at most'),
      unit: text('Unit', 'Seconds where none is given', { enum: ['seconds', 'minutes', 'hours', 'days'] }),
      until: formula('Or until', 'A date, such as 2027-01-31T09:00:00Z; goes before the number'),
    }),
  },
  'wait-for-event': {
    title: 'Wait for event',
    summary: 'Waits until an event comes, or for so long; then goes on with it',
    config: objectOf({
      appEvent: {
        ...objectOf({ key: text('Event of your application', 'Its type', { format: 'app-event-type-key' }) }),
        title: 'Event',
      },
      eventKey: text('Or event of the app', 'The key of an event that the connector defines'),
      eventParameters: formula('Parameters', 'Which of the events of the app, as the connector asks'),
      field: text('Field', 'Where in the event the value stands, such as $.order.id; any event where empty'),
      value: formula('Equals', 'What the field is to equal'),
      amount: formula('At most', 'A number of the unit: 7 days unless given, 30 days at most'),
      unit: text('Unit', 'Days where none is given', { enum: ['seconds', 'minutes', 'hours', 'days'] }),
      onTimeout: text('When the time is up', 'Goes on with isTimedOut: true where none is given', {
        enum: ['continue', 'fail'],
      }),
    }),
  },
  'transform-data': {
    title: 'Transform data',
    summary: 'Makes a new value of what came before',
    config: objectOf({ output: formula('Output', 'What the next nodes are given') }),
  },
  'for-each-v2': {
    title: 'For each',
    summary: 'Runs the nodes inside once for each item of a list',
    config: objectOf(
      {
        items: formula('Items', 'The list'),
        rootNodeKey: text('First inner node', 'Where each item begins', { format: 'node-key' }),
      },
      ['items', 'rootNodeKey'],
    ),
  },
  'custom-http-request': {
    title: 'HTTP request',
    summary: 'Sends a request to any public address',
    config: requestOf('A whole address: https://…'),
  },
  'api-request-to-your-app': {
    title: 'Request to your app',
    summary: 'Sends a signed request to your application',
    config: requestOf('Relative to the base address of your application, or a whole one'),
  },
  'api-request-to-external-app': {
    title: 'Request to the external app',
    summary: 'Sends a request to the connected app with its credentials',
    config: requestOf('Relative to the API of the app'),
  },
  'integration-specific-operation': {
    title: 'Operation of the app',
    summary: 'Runs an operation that the connector of the app has',
    config: objectOf(
      {
        operationKey: text('Operation', 'The key of the operation'),
        inputMapping: formula('Input', 'What the operation is given'),
      },
      ['operationKey'],
    ),
  },
  'run-action': {
    title: 'Run an action',
    summary: 'Runs an action on the connection',
    config: objectOf(
      {
        action: text('Action', 'The key of the action', { format: 'action-key' }),
        input: formula('Input', 'What the action is given'),
      },
      ['action'],
    ),
  },
  'run-javascript': {
    title: 'JavaScript',
    summary: 'Calls a function of yours in the sandbox',
    config: objectOf({ code: javascript }, ['code']),
  },
}

/** The kinds of nodes that this engine has, as read at its start. */
export function nodeTypeRoutes(nodeTypes: NodeTypes): RouteSet {
  const items = [...new Set(nodeTypes.values())].map(({ type, aliases, isTrigger, hasEffect }) => {
    const about = NODE_ABOUT[type]
    return {
      type,
      aliases: [...(aliases ?? [])],
      title: about?.title ?? type,
      summary: about?.summary ?? '',
      isTrigger,
      hasEffect,
      configSchema: about?.config ?? true,
    }
  })
  return routeSet(table, { list: async () => ({ items }) })
}
