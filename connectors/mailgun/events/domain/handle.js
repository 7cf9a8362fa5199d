import { verify } from 'permea:webhooks'

export default async function handle(request) {
  const { payload } = await verify.mailgun({ request, secret: request.state.secret })
  return { events: [payload['event-data']] }
}
