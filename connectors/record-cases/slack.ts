import {
  type ConversationsInfoResponse,
  type ConversationsListResponse,
  LogLevel,
  type UsersInfoResponse,
  type UsersListResponse,
  WebClient,
} from '@slack/web-api'
import { recordCase } from './record-case.ts'

const user = {
  id: 'U1',
  team_id: 'T1',
  name: 'ada',
  real_name: 'Ada Lovelace',
  deleted: false,
  is_bot: false,
  is_admin: true,
  tz: 'Europe/London',
  profile: { email: 'ada@example.com', display_name: 'ada', title: '', phone: '', image_192: 'https://a.example/1' },
  updated: 1_767_225_600,
} satisfies UsersInfoResponse['user']

const channel = {
  id: 'C1',
  name: 'general',
  is_private: false,
  is_archived: false,
  is_member: true,
  num_members: 4,
  topic: { value: 'All' },
  purpose: { value: '' },
  creator: 'U1',
  created: 1_767_225_600,
} satisfies ConversationsInfoResponse['channel']

const common = {
  connector: 'slack',
  makeApiClient: { slot: 'makeApiClient', credentials: { token: 'xoxb-1' } },
  client: (origin: string) =>
    new WebClient('xoxb-1', {
      slackApiUrl: `${origin}/api/`,
      retryConfig: { retries: 0 },
      logLevel: LogLevel.ERROR,
    }),
}

export const SLACK = [
  recordCase({
    ...common,
    collection: 'users',
    whole: { ok: true, user },
    steps: [
      {
        method: 'list',
        given: { cursor: 'c1' },
        vendor: (slack) => slack.users.list({ limit: 200, cursor: 'c1' }),
        answer: { ok: true, members: [user], response_metadata: { next_cursor: 'c2' } } satisfies UsersListResponse,
        gives: {
          records: [{ id: 'U1', name: 'Ada Lovelace', updatedTime: '2026-01-01T00:00:00.000Z' }],
          cursor: 'c2',
        },
      },
      {
        method: 'match',
        given: { query: { email: 'ada@example.com' } },
        vendor: (slack) => slack.users.lookupByEmail({ email: 'ada@example.com' }),
        answer: { ok: true, user },
        gives: { record: { id: 'U1' } },
      },
      {
        method: 'findById',
        given: { id: 'U1' },
        vendor: (slack) => slack.users.info({ user: 'U1' }),
        answer: { ok: true, user },
        gives: { record: { id: 'U1', fields: { tz: 'Europe/London' } } },
      },
    ],
  }),
  recordCase({
    ...common,
    collection: 'channels',
    whole: { ok: true, channel },
    steps: [
      {
        method: 'list',
        given: {},
        vendor: (slack) => slack.conversations.list({ limit: 200, types: 'public_channel,private_channel' }),
        answer: {
          ok: true,
          channels: [channel],
          response_metadata: { next_cursor: '' },
        } satisfies ConversationsListResponse,
        gives: { records: [{ id: 'C1', name: 'general' }] },
      },
      {
        method: 'findById',
        given: { id: 'C1' },
        vendor: (slack) => slack.conversations.info({ channel: 'C1' }),
        answer: { ok: true, channel },
        gives: { record: { id: 'C1' } },
      },
      {
        method: 'create',
        given: { fields: { name: 'general', is_private: true } },
        vendor: (slack) => slack.conversations.create({ name: 'general', is_private: true }),
        answer: { ok: true, channel },
        gives: { id: 'C1' },
      },
      {
        method: 'update',
        given: { id: 'C1', fields: { name: 'all' } },
        vendor: (slack) => slack.conversations.rename({ channel: 'C1', name: 'all' }),
        answer: { ok: true, channel },
        gives: { id: 'C1' },
      },
    ],
  }),
]
