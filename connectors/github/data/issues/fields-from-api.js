/** What is written as a name or a number is read as one. */
export default function fieldsFromApi({ fields }) {
  return {
    ...fields,
    labels: fields.labels?.map((label) => (typeof label === 'string' ? label : label.name)),
    assignees: fields.assignees?.map(({ login }) => login),
    milestone: fields.milestone?.number ?? null,
    user: fields.user?.login,
  }
}
