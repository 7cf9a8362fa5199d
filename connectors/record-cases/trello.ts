import { type Models, TrelloClient } from 'trello.js'
import { recordCase, type Wire } from './record-case.ts'

const card = {
  id: '5abbe4b7ddc1b351ef961414',
  name: 'Mend the pipe',
  desc: '',
  idList: '5abbe4b7ddc1b351ef961410',
  idMembers: [],
  idLabels: [],
  pos: 65_535,
  due: null as never,
  closed: false,
  idBoard: '5abbe4b7ddc1b351ef961400',
  shortLink: 'H0TZyzbK',
  url: 'https://trello.com/c/H0TZyzbK/4-mend-the-pipe',
  dateLastActivity: '2026-01-02T00:00:00.000Z',
} satisfies Wire<Models.Card>

/** The package has the address of the real thing and no other. */
function clientAt(origin: string): TrelloClient {
  const client = new TrelloClient({ key: 'k', token: 't' })
  const { instance } = client as unknown as { instance: { defaults: { baseURL: string } } }
  instance.defaults.baseURL = `${origin}/1`
  return client
}

export const TRELLO = [
  recordCase({
    connector: 'trello',
    makeApiClient: { slot: 'options.token.makeApiClient', credentials: { apiKey: 'k', token: 't', secret: 's' } },
    client: clientAt,
    collection: 'cards',
    parameters: { board: card.idBoard },
    whole: { ...card, dueComplete: false },
    steps: (
      [
        {
          method: 'list',
          given: {},
          vendor: (trello: TrelloClient) => trello.boards.getBoardCards({ id: card.idBoard }),
          answer: [card],
          gives: {
            records: [{ id: card.id, name: 'Mend the pipe', uri: card.url, updatedTime: card.dateLastActivity }],
          },
        },
        {
          method: 'findById',
          given: { id: card.id },
          vendor: (trello: TrelloClient) => trello.cards.getCard({ id: card.id }),
          answer: card,
          gives: { record: { id: card.id } },
        },
        {
          method: 'create',
          given: { fields: { name: 'Mend the pipe', idList: card.idList, idLabels: ['a', 'b'], closed: true } },
          vendor: (trello: TrelloClient) =>
            trello.cards.createCard({ name: 'Mend the pipe', idList: card.idList, idLabels: ['a', 'b'] }),
          answer: card,
          gives: { id: card.id },
        },
        {
          method: 'update',
          given: { id: card.id, fields: { closed: true, desc: 'Done & dusted' } },
          vendor: (trello: TrelloClient) =>
            trello.cards.updateCard({ id: card.id, closed: true, desc: 'Done & dusted' }),
          answer: card,
          gives: { id: card.id },
        },
        {
          method: 'delete',
          given: { id: card.id },
          vendor: (trello: TrelloClient) => trello.cards.deleteCard({ id: card.id }),
          answer: { limits: {} },
          gives: {},
        },
      ] as const
    ).map((step) => ({
      ...step,
      // Key and token stand in the query of every request; here the credentials are those of the test's own app.
      besides: ['key', 'token'],
    })),
  }),
]
