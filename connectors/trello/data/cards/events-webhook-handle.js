import { handshakes, verify } from 'permea:webhooks'

// https://developer.atlassian.com/cloud/trello/guides/rest-api/action-types/
const KINDS = {
  created: ['createCard', 'copyCard', 'emailCard', 'convertToCardFromCheckItem', 'moveCardToBoard'],
  updated: ['updateCard', 'addMemberToCard', 'removeMemberFromCard', 'addLabelToCard', 'removeLabelFromCard'],
  deleted: ['deleteCard', 'moveCardFromBoard'],
}

export default async function handle(request) {
  const shaken = await handshakes.head({ request })
  if (shaken) return shaken
  const { payload } = await verify.trello({ request, secret: request.state.secret, url: request.webhookUri })
  const { type: action, data } = payload.action
  const kind = Object.keys(KINDS).find((each) => KINDS[each].includes(action))
  if (kind === undefined || !data.card?.id) return { events: [] }
  // Actions have a card in short.
  return { events: [{ type: kind, record: { id: data.card.id } }] }
}
