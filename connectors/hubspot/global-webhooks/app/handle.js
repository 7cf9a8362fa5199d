import { verify } from 'permea:webhooks'

export default function handle(request) {
  const { data, parameters } = request
  if (!parameters.clientSecret) throw new Error('the integration has no parameter clientSecret')
  verify.hubspot({ request, secret: parameters.clientSecret })
  return {
    events: data.flatMap((event) => [
      { selector: String(event.portalId), payload: event },
      { selector: `${event.portalId}/${event.subscriptionType}`, payload: event },
    ]),
  }
}
