import { REST } from '@discordjs/rest'
import { type APIMessage, Routes } from 'discord-api-types/v10'
import { recordCase, type Wire } from './record-case.ts'

const message = {
  id: '1100000000000000001',
  channel_id: '900000000000000001',
  content: 'The pipe leaks',
  timestamp: '2026-01-01T00:00:00.000000+00:00',
  edited_timestamp: null,
  tts: false,
  pinned: false,
  embeds: [],
  flags: 0 as never,
  author: { id: '1', username: 'ada', discriminator: '0', global_name: 'Ada', avatar: null },
} satisfies Wire<APIMessage>

const channel = message.channel_id
const one = Routes.channelMessage(channel, message.id)

export const DISCORD = [
  recordCase({
    connector: 'discord',
    makeApiClient: { slot: 'options.token.makeApiClient', credentials: { token: 'bot' } },
    client: (origin: string) => new REST({ api: `${origin}/api`, version: '10', retries: 0 }).setToken('bot'),
    collection: 'messages',
    parameters: { channel },
    whole: message,
    steps: [
      {
        method: 'list',
        given: { cursor: '1100000000000000002' },
        vendor: (rest) =>
          rest.get(Routes.channelMessages(channel), {
            query: new URLSearchParams({ limit: '100', before: '1100000000000000002' }),
          }),
        answer: [message],
        gives: { records: [{ id: message.id, name: 'The pipe leaks', createdTime: message.timestamp }] },
      },
      {
        method: 'findById',
        given: { id: message.id },
        vendor: (rest) => rest.get(one),
        answer: message,
        gives: { record: { id: message.id } },
      },
      {
        method: 'create',
        given: { fields: { content: 'The pipe leaks', tts: true } },
        vendor: (rest) =>
          rest.post(Routes.channelMessages(channel), { body: { content: 'The pipe leaks', tts: true } }),
        answer: message,
        gives: { id: message.id },
      },
      {
        method: 'update',
        given: { id: message.id, fields: { content: 'It is mended', tts: true } },
        vendor: (rest) => rest.patch(one, { body: { content: 'It is mended' } }),
        answer: message,
        gives: { id: message.id },
      },
      {
        method: 'delete',
        given: { id: message.id },
        vendor: (rest) => rest.delete(one),
        answer: {},
        gives: {},
      },
    ],
  }),
]
