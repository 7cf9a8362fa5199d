export default function recordFromFields({ fields }) {
  const title = Object.values(fields.properties ?? {}).find(({ type }) => type === 'title')?.title
  const name = title?.map(({ plain_text }) => plain_text).join('')
  return {
    id: fields.id,
    name,
    uri: fields.url,
    createdTime: fields.created_time,
    updatedTime: fields.last_edited_time,
  }
}
