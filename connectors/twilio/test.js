export default async function test({ apiClient }) {
  const answer = await apiClient.get('/IncomingPhoneNumbers.json', { PageSize: 1 })
  return Array.isArray(answer.incoming_phone_numbers)
}
