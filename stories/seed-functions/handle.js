export default async function handle({ data }) {
  // `data` is the parsed body of the incoming webhook request.
  return {
    events: [
      {
        type: data.action, // e.g. 'created', 'updated', 'deleted'
        record: data.payload,
      },
    ],
  }
}
