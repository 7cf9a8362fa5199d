import type { ItemOf, permea } from '../../api.ts'
import type { Field, Values } from '../../forms/fields.ts'
import { STARTS } from './connector-starts.ts'

export type Connector = ItemOf<typeof permea.connectors.list>

/** What a connector has several of, by key. */
export interface PartKind {
  name: 'options' | 'events' | 'globalWebhooks' | 'operations' | 'data'
  title: string
  noun: string
  about: string
  /** What a form of one shows; several pages of fields where one would be too long. */
  pages: readonly PartPage[]
  /** What a new one begins with. */
  begin: Values
  /** What a new one is asked for, beside its key. */
  first: readonly Field[]
}

interface PartPage {
  key: string
  title: string
  fields: readonly Field[]
}

const slot = (name: string, label: string, about: string, section?: string): Field => ({
  name,
  label,
  kind: 'function',
  about,
  start: STARTS[label] ?? STARTS.run ?? '',
  ...(section === undefined ? {} : { section }),
})

const schema = (name: string, label: string, about?: string): Field => ({
  name,
  label,
  kind: 'json',
  ...(about === undefined ? {} : { about }),
  placeholder:
    '{\n  "type": "object",\n  "properties": { "project": { "type": "string", "title": "Project" } },\n  "required": ["project"]\n}',
})

const ASKED_FOR =
  '{\n  "type": "object",\n  "properties": { "apiKey": { "type": "string", "title": "API key" } },\n  "required": ["apiKey"]\n}'

const NAME: Field = { name: 'name', label: 'Name', kind: 'text', required: true }
const DESCRIPTION: Field = { name: 'description', label: 'Description', kind: 'long' }

const wayFields: readonly Field[] = [
  {
    name: 'type',
    label: 'How a person proves themselves',
    kind: 'choice',
    required: true,
    choices: [
      { value: 'client-credentials', label: 'Gives a key, or a name and a password' },
      { value: 'oauth2', label: 'OAuth 2: is sent to the app and back' },
      { value: 'oauth1', label: 'OAuth 1: is sent to the app and back' },
      { value: 'proxy', label: 'By another connection' },
      { value: 'membrane-token', label: 'By the engine’s own token' },
      { value: 'integration-app-token', label: 'By the engine’s own token, under its older name' },
    ],
  },
  { name: 'title', label: 'Title', kind: 'text', placeholder: 'API key', about: 'Shown where there are several ways.' },
  DESCRIPTION,
  { ...schema('inputSchema', 'What a person is asked for'), placeholder: ASKED_FOR },
  schema('connectorParametersSchema', 'What an integration gives', 'Once for all: a client id, a client secret.'),
  slot('getOAuthConfig', 'getOAuthConfig', 'Client, addresses and scopes of OAuth.', 'Functions'),
  slot('getTokenData', 'getTokenData', 'What of the token endpoint’s answer is kept.', 'Functions'),
  slot(
    'getCredentialsFromConnectionParameters',
    'getCredentialsFromConnectionParameters',
    'Credentials from what the person gave; without it that is what they are.',
    'Functions',
  ),
  slot(
    'getCredentialsFromAccessTokenResponse',
    'getCredentialsFromAccessTokenResponse',
    'Credentials from the first answer of the token endpoint.',
    'Functions',
  ),
  slot(
    'getCredentialsFromRefreshTokenResponse',
    'getCredentialsFromRefreshTokenResponse',
    'Credentials from a later answer of the token endpoint.',
    'Functions',
  ),
  slot('refreshCredentials', 'refreshCredentials', 'New credentials for those that expire.', 'Functions'),
  slot('makeApiClient', 'makeApiClient', 'Where requests go, and what each carries.', 'Functions'),
  slot('test', 'test', 'True where the connection works.', 'Functions'),
  slot('disconnect', 'disconnect', 'Gives the credentials up at the app.', 'Functions'),
]

const eventFields: readonly Field[] = [
  NAME,
  DESCRIPTION,
  {
    name: 'implementationType',
    label: 'How the app tells of it',
    kind: 'choice',
    required: true,
    choices: [
      { value: 'webhook', label: 'At an address registered for each subscription' },
      { value: 'global-webhook', label: 'At one address for all of an integration' },
      { value: 'pull', label: 'Not at all: it is asked' },
    ],
  },
  slot('subscribe', 'subscribe', 'Has the app send such events; gives the state.', 'Functions'),
  slot('handle', 'handle', 'Makes events of a request, and refuses what is forged.', 'Functions'),
  slot('unsubscribe', 'unsubscribe', 'Has the app send no more.', 'Functions'),
  slot('refresh', 'refresh', 'Renews a registration that expires.', 'Functions'),
  slot('pull', 'pull', 'Of what is asked: what is new since the state.', 'Functions'),
  slot(
    'getEventSelector',
    'getEventSelector',
    'At one address for all: which events are the subscription’s.',
    'Functions',
  ),
  {
    ...schema('parametersSchema', 'What a subscription gives', 'Such as a project.'),
    section: 'What an event looks like',
  },
  { name: 'example', label: 'Example', kind: 'json', section: 'What an event looks like' },
  { ...schema('schema', 'JSON Schema'), section: 'What an event looks like' },
  {
    name: 'dedupeKey',
    label: 'What identifies an event',
    kind: 'json',
    section: 'What an event looks like',
    placeholder: '{ "header": "x-delivery-id" }',
    about: 'header, path (within the event) or formula, and forSeconds. One that comes again is made once.',
  },
]

const webhookFields: readonly Field[] = [
  NAME,
  DESCRIPTION,
  { ...slot('handle', 'handle', 'Makes { selector, payload } of a request.'), required: true },
]

const operationFields: readonly Field[] = [
  NAME,
  DESCRIPTION,
  { ...slot('run', 'run', 'Does it, and gives the output.'), required: true },
  schema('inputSchema', 'Schema of the input'),
  schema('outputSchema', 'Schema of the output'),
]

const RECORD_METHODS: readonly [key: string, title: string, lists: readonly [name: string, label: string][]][] = [
  ['list', 'List', [['filterFields', 'Fields that can be filtered by']]],
  ['findById', 'Find by id', []],
  ['match', 'Match', [['fields', 'Fields that can be matched by']]],
  ['search', 'Search', []],
  [
    'create',
    'Create',
    [
      ['fields', 'Fields that can be given'],
      ['requiredFields', 'Fields that must be given'],
    ],
  ],
  [
    'update',
    'Change',
    [
      ['fields', 'Fields that can be changed'],
      ['requiredFields', 'Fields that must be given'],
    ],
  ],
  ['delete', 'Delete', []],
]

const collectionFields: readonly Field[] = [
  NAME,
  DESCRIPTION,
  { ...schema('fieldsSchema', 'Fields of a record') },
  { ...schema('parametersSchema', 'What is needed to find the records', 'Such as a project.') },
  { name: 'customFields', label: 'Each connection has fields of its own', kind: 'switch' },
  { name: 'isHidden', label: 'Only for other collections to be made of', kind: 'switch' },
]

export const PART_KINDS: readonly PartKind[] = [
  {
    name: 'options',
    title: 'Ways to connect',
    noun: 'way to connect',
    about: 'How a person connects the app, and how credentials come to be. The first is taken where none is named.',
    begin: { type: 'client-credentials' },
    first: wayFields,
    pages: [{ key: 'all', title: 'All', fields: wayFields }],
  },
  {
    name: 'events',
    title: 'Events',
    noun: 'event',
    about: 'What happens in the app that flows and subscriptions can wait for.',
    begin: { implementationType: 'webhook' },
    first: eventFields,
    pages: [{ key: 'all', title: 'All', fields: eventFields }],
  },
  {
    name: 'globalWebhooks',
    title: 'Global webhooks',
    noun: 'global webhook',
    about: 'Addresses that a person enters in the app once, for all connections of an integration.',
    begin: {},
    first: webhookFields,
    pages: [{ key: 'all', title: 'All', fields: webhookFields }],
  },
  {
    name: 'operations',
    title: 'Operations',
    noun: 'operation',
    about: 'What the app can be asked to do.',
    begin: {},
    first: operationFields,
    pages: [{ key: 'all', title: 'All', fields: operationFields }],
  },
  {
    name: 'data',
    title: 'Collections',
    noun: 'collection',
    about: 'Records that the app has: how they are listed, found, changed, and how changes become known.',
    begin: {},
    first: [...collectionFields, slot('methods.list.run', 'list', 'Gives { records, cursor }.', 'Functions')],
    pages: [
      { key: 'about', title: 'About', fields: collectionFields },
      ...RECORD_METHODS.map(([key, title, lists]) => ({
        key,
        title,
        fields: [
          slot(`methods.${key}.run`, key, 'Left out, it is not offered.'),
          ...lists.map(([name, label]): Field => ({ name: `methods.${key}.${name}`, label, kind: 'names' })),
        ],
      })),
      {
        key: 'changes',
        title: 'Changes',
        fields: [
          {
            name: 'events.all.implementationType',
            label: 'How changes become known',
            kind: 'choice',
            choices: [
              { value: 'webhook', label: 'The app tells of them at an address' },
              { value: 'pull-latest-records', label: 'The latest records are looked at' },
              { value: 'full-scan', label: 'All records are looked at' },
            ],
          },
          { name: 'events.all.isIdOnly', label: 'The app tells of ids only', kind: 'switch' },
          slot('events.all.methods.subscribe.run', 'subscribe', 'Has the app tell of changes; gives the state.'),
          slot('events.all.methods.handle.run', 'handle', 'Makes { type, record } of a request.'),
          slot('events.all.methods.unsubscribe.run', 'unsubscribe', 'Has the app tell no more.'),
        ],
      },
      {
        key: 'shape',
        title: 'Shape',
        fields: [
          slot('recordFromFields', 'recordFromFields', 'Which fields are id, name, uri, createdTime and updatedTime.'),
          slot('fieldsFromApi', 'fieldsFromApi', 'Fields of what the app gave.'),
          slot('fieldsToApi', 'fieldsToApi', 'What the app is given of fields.'),
          slot('recordFromApi', 'recordFromApi', 'A record of what the app gave.'),
          slot('recordToApi', 'recordToApi', 'What the app is given of a record.'),
          slot('customFieldsSchema', 'customFieldsSchema', 'The fields that a connection has of its own.'),
        ],
      },
    ],
  },
]

/** The values that fields such as `methods.list.run` stand for. */
export function shownPart(fields: readonly Field[], part: Values): Values {
  return Object.fromEntries(fields.map(({ name }) => [name, at(part, name.split('.'))]))
}

const at = (of: unknown, [first, ...rest]: readonly string[]): unknown => {
  if (first === undefined) return of
  return typeof of === 'object' && of !== null ? at((of as Values)[first], rest) : undefined
}

/** The part with what was changed of it; null takes away, and leaves nothing empty behind. */
export function changedPart(part: Values, changes: Values): Values {
  return Object.entries(changes).reduce((now, [name, value]) => put(now, name.split('.'), value), part)
}

function put(of: Values, [first = '', ...rest]: readonly string[], value: unknown): Values {
  const { [first]: before, ...others } = of
  if (rest.length === 0) return value === null ? others : { ...of, [first]: value }
  const inner = put((before ?? {}) as Values, rest, value)
  return Object.keys(inner).length === 0 ? others : { ...of, [first]: inner }
}
