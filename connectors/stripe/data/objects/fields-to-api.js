// Stripe takes forms, what is inside of something in brackets: https://docs.stripe.com/api/metadata
function flat(value, name) {
  if (value === null || value === undefined) return [[name, '']]
  if (typeof value !== 'object') return [[name, value]]
  const within = (key) => (name === '' ? key : `${name}[${key}]`)
  return Object.entries(value).flatMap(([key, each]) => flat(each, within(key)))
}

export default function fieldsToApi({ fields }) {
  return Object.fromEntries(flat(fields, ''))
}
