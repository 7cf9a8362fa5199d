import mark from './mark.svg'

/** The sign of the product. */
export function Mark({ size }: { size: number }) {
  return <img src={mark} width={size} height={size} alt="" />
}
