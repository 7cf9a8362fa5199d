// A person enters the URL in Notion, which sends its token to it.
export default function subscribe() {
  return { state: {} }
}
