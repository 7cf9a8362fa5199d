import { verify } from 'permea:webhooks'

export default function handle(request) {
  const { data, parameters } = request
  if (!parameters.webhookSecret) throw new Error('the integration has no parameter webhookSecret')
  verify.stripe({ request, secret: parameters.webhookSecret })
  if (typeof data.account !== 'string') return { events: [] }
  return {
    events: [
      { selector: data.account, payload: data },
      { selector: `${data.account}/${data.type}`, payload: data },
    ],
  }
}
