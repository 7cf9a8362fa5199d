import type { FlowNodes } from './nodes.ts'

/** What a new flow can begin with. What only its maker knows, such as the event and the address, is left open. */
export interface FlowTemplate {
  key: string
  title: string
  about: string
  nodes: FlowNodes
}

const event = (...keys: string[]) => ({
  type: 'app-event-trigger',
  name: 'App event',
  config: {},
  links: keys.map((key) => ({ key })),
})
const request = (name: string, body: unknown) => ({
  type: 'custom-http-request',
  name,
  config: { request: { method: 'POST', uri: '', body } },
  links: [],
})
const whole = { $var: '$.input.trigger' }

export const TEMPLATES: readonly FlowTemplate[] = [
  {
    key: 'send',
    title: 'Send each event on',
    about: 'An event of your application, and a request with it',
    nodes: { trigger: event('send'), send: request('Send it on', whole) },
  },
  {
    key: 'some',
    title: 'Send some events on',
    about: 'The same, for events that a condition holds for',
    nodes: {
      trigger: event('filter'),
      filter: { type: 'filter', name: 'Only if', config: {}, links: [{ key: 'send' }] },
      send: request('Send it on', whole),
    },
  },
  {
    key: 'ways',
    title: 'Go one of two ways',
    about: 'A branch: one request where a condition holds, another one else',
    nodes: {
      trigger: event('branch'),
      branch: { type: 'branch', name: 'Which way', config: {}, links: [{ key: 'first' }, { key: 'other' }] },
      first: request('First way', whole),
      other: request('Other way', whole),
    },
  },
  {
    key: 'later',
    title: 'Do it later',
    about: 'An event, a day of waiting, a request',
    nodes: {
      trigger: event('wait'),
      wait: { type: 'delay', name: 'Wait', config: { amount: 1, unit: 'days' }, links: [{ key: 'send' }] },
      send: request('Remind', whole),
    },
  },
  {
    key: 'answer',
    title: 'Wait for the answer',
    about: 'An event, the one that belongs to it or three days, a request',
    nodes: {
      trigger: event('answer'),
      answer: {
        type: 'wait-for-event',
        name: 'Wait for the answer',
        config: {
          appEvent: { key: '' },
          field: '$.id',
          value: { $var: '$.input.trigger.id' },
          amount: 3,
          unit: 'days',
        },
        links: [
          { key: 'send', filter: { $eval: { $var: '$.input.answer.isTimedOut' }, is: false } },
          { key: 'remind', filter: { $eval: { $var: '$.input.answer.isTimedOut' }, is: true } },
        ],
      },
      send: request('Send it on', { $var: '$.input.answer.event' }),
      remind: request('Remind', whole),
    },
  },
  {
    key: 'each',
    title: 'For each item of a list',
    about: 'A list in the event, and a request for each item',
    nodes: {
      trigger: event('each'),
      each: {
        type: 'for-each-v2',
        name: 'For each',
        config: { items: { $var: '$.input.trigger.items' }, rootNodeKey: 'send' },
        links: [],
      },
      send: request('Send the item', { $var: '$.input.each.item' }),
    },
  },
  {
    key: 'morning',
    title: 'Every working morning',
    about: 'By the clock, and a request',
    nodes: {
      trigger: {
        type: 'schedule-trigger',
        name: 'Every working morning',
        config: { cron: '0 9 * * 1-5', timeZone: 'UTC' },
        links: [{ key: 'send' }],
      },
      send: request('Send', {}),
    },
  },
]
