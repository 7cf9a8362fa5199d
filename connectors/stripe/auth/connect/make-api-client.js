// The platform acts for the account with its own key: https://docs.stripe.com/connect/authentication
export default function makeApiClient({ credentials, connectorParameters }) {
  return {
    baseUri: 'https://api.stripe.com',
    headers: {
      authorization: `Bearer ${connectorParameters.secretKey}`,
      'stripe-account': credentials.stripeUserId,
    },
  }
}
