import { verify } from 'permea:webhooks'

export default async function handle(request) {
  const { payload } = await verify.razorpay({ request, secret: request.state.secret })
  return { events: [payload] }
}
