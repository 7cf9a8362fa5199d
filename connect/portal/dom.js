/** An element with its attributes, listeners (`onclick`) and children; null children are left out. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value)
    else element.setAttribute(name, value === true ? '' : value)
  }
  element.append(...children.flat(2).filter((child) => child !== null && child !== undefined))
  return element
}

/** A button that does one thing at a time; what goes wrong is said by `failed`. */
export function button(words, act, { kind = 'plain', label, failed } = {}) {
  const made = h('button', { type: 'button', class: kind, 'aria-label': label }, words)
  made.addEventListener('click', async () => {
    made.disabled = true
    try {
      await act(made)
    } catch (error) {
      failed?.(error)
    } finally {
      made.disabled = false
    }
  })
  return made
}

/** A dialog over the page. Escape closes it, unless something was typed that is not saved. */
export function openDialog(title, fill, { texts, isUnsaved = () => false }) {
  const body = h('div')
  const close = () => {
    if (!isUnsaved() || window.confirm(texts.discard)) dialog.close()
  }
  const cross = h('button', { type: 'button', class: 'cross', 'aria-label': texts.close, onclick: close }, '×')
  const dialog = h('dialog', { 'aria-label': title }, h('h2', {}, title), cross, body)
  dialog.addEventListener('cancel', (event) => {
    event.preventDefault()
    close()
  })
  const opener = document.activeElement
  dialog.addEventListener('close', () => {
    dialog.remove()
    if (opener instanceof HTMLElement && opener.isConnected) opener.focus()
  })
  document.body.append(dialog)
  body.append(...[fill(() => dialog.close())].flat())
  dialog.showModal()
  return dialog
}

/** A field with its label and, once set by `say`, what is wrong with it. */
export function field(label, control, help) {
  nextId += 1
  const id = `field-${nextId}`
  const problem = h('p', { class: 'wrong', id: `${id}-problem`, role: 'alert' })
  control.id = id
  control.setAttribute('aria-describedby', `${id}-problem${help === undefined ? '' : ` ${id}-help`}`)
  const element = h(
    'div',
    { class: 'field' },
    h('label', { for: id }, label),
    control,
    help === undefined ? null : h('p', { class: 'help', id: `${id}-help` }, help),
    problem,
  )
  return {
    element,
    say(words) {
      problem.textContent = words
      if (words === '') control.removeAttribute('aria-invalid')
      else control.setAttribute('aria-invalid', 'true')
    },
  }
}

let nextId = 0
