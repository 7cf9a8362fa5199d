// What a person entered, a person takes away.
export default function unsubscribe() {}
