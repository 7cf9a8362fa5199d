import type { Section } from './limit.ts'

const S = 'server/src'
const SHARED_OUT = 'stories/connections-page.test.ts: streams are shared out'
const FLOOD = `${S}/refused-requests/refused-requests.test.ts: a flood is counted, and leaves no more than a few rows`

/** Limits of who looks at what there is. */
export const LIMITS_OF_READING: readonly Section[] = [
  {
    title: 'What people have open',
    about: 'Streams end by themselves after some minutes, and are opened again by those who read them.',
    limits: [
      {
        what: 'Bytes of payloads on a page of events or runs',
        value: `${S}/platform/look-through.ts PAGE_BYTES bytes`,
        beyond: 'the page is shorter, and its `cursor` goes on; a row that is larger by itself is a page',
        heldBy: [
          `${S}/platform/look-through.test.ts: holds no more bytes than are made in a moment`,
          `${S}/api/shown-json.test.ts: lists of large events and of their runs come in pages`,
        ],
      },
      {
        what: 'Streams of news at open pages, of one token',
        value: `${S}/live/live.ts STREAMS_OF_ONE_MAX count`,
        beyond: '503 `overloaded`',
        heldBy: [`${S}/live/live.test.ts: one customer cannot take the room of the others`],
      },
      {
        what: 'Streams that wait for what comes of connecting an app, of one customer',
        value: `${S}/connecting/connect-events.ts STREAMS_OF_CUSTOMER_MAX count`,
        beyond: '429 `rate_limit_exceeded`',
        heldBy: [SHARED_OUT],
      },
      {
        what: '… of tokens of one workspace that are no customer’s',
        value: `${S}/connecting/connect-events.ts STREAMS_OF_WORKSPACE_MAX count`,
        beyond: '429 `rate_limit_exceeded`',
        heldBy: [SHARED_OUT],
      },
      {
        what: '… over all',
        value: `${S}/connecting/connect-events.ts STREAMS_MAX count`,
        beyond: '503 `overloaded`',
        heldBy: [SHARED_OUT],
      },
    ],
  },
  {
    title: 'What is kept of refusals',
    about:
      'Every refusal is counted; a few of many alike are kept, with the number of those that were not\n(`GET /refused-requests`). They leave with the other logs, after `PERMEA_RETENTION_DAYS`.',
    limits: [
      {
        what: 'Kept for one reason and one sender',
        value: '1 a second, 5 at once',
        beyond: 'only counted',
        heldBy: [FLOOD],
      },
      {
        what: 'Kept for one reason in one workspace',
        value: '3 a second, 20 at once',
        beyond: 'only counted',
        heldBy: [FLOOD],
      },
      {
        what: 'Kept in one workspace',
        value: '1 a second, 3000 at once',
        beyond: 'only counted',
        heldBy: [`${S}/refused-requests/refused-requests.test.ts: one workspace keeps so many and no more`],
      },
      {
        what: 'Characters of what was sent',
        value: `${S}/refused-requests/recorder.ts EXCERPT_CHARS_MAX count`,
        beyond: 'it is cut, masked before',
        heldBy: [`${S}/refused-requests/refused-requests.test.ts: what was sent is kept up to its limit`],
      },
    ],
  },
]
