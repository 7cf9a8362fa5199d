/** "1 attempt", "2 attempts". */
export function numberOf(count: number, one: string): string {
  return `${count.toLocaleString()} ${count === 1 ? one : `${one}s`}`
}
