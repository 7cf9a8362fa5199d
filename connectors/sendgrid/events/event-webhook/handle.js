import { verify } from 'permea:webhooks'

export default async function handle(request) {
  const { payload } = await verify.sendgrid({ request, publicKey: request.state.publicKey })
  return { events: payload }
}
