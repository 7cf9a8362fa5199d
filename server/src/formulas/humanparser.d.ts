declare module 'humanparser' {
  const humanparser: {
    parseName(name: string): { firstName?: string; lastName?: string }
  }
  export default humanparser
}
