// The app has no way to register the URL: a person enters it there.
export default function subscribe({ parameters }) {
  return { state: { secret: parameters.secret } }
}
