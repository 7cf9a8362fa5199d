// The endpoint of a channel can be changed, and not taken away.
export default function unsubscribe() {}
