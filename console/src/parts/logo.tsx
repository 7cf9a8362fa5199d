/** The name of an app with its logo before it, if it has one. */
export function Logo({ uri, name }: { uri: string | undefined; name: string }) {
  return (
    <span className="logo-name">
      {uri !== undefined && uri !== '' && <img src={uri} width={18} height={18} alt="" loading="lazy" />}
      {name}
    </span>
  )
}
