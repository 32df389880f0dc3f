// The dialogs of a hub: to add a printer, and to order prints of a file.
import { button, element, messageOf } from '../shared/dom.ts'
import type { HubSource } from './fleet-source.ts'

/** Shows a dialog until it is closed. */
function show(title: string, ...content: readonly Node[]): HTMLDialogElement {
  const dialog = element(
    'dialog',
    { 'aria-labelledby': 'dialog-title' },
    element('h2', { id: 'dialog-title' }, title),
    ...content,
  )
  dialog.addEventListener('close', () => dialog.remove())
  document.body.append(dialog)
  dialog.showModal()
  return dialog
}

/** Makes a code, and shows how a printer joins with it. Rejects as the hub does. */
export async function addPrinter(source: HubSource): Promise<void> {
  const { code, expires } = await source.use(fleet => fleet.createCode())
  const until = new Date(expires).toLocaleTimeString()
  const dialog: HTMLDialogElement = show(
    'Add a printer',
    element(
      'p',
      {},
      `On the printer: moonraker-ts fleet-join CODE, or server.fleet.join. It is valid once, until ${until}.`,
    ),
    element('p', { class: 'code' }, code),
    element(
      'div',
      { class: 'buttons' },
      button('Copy', () => navigator.clipboard?.writeText(code)),
      button('Close', () => dialog.close(), { class: 'main' }),
    ),
  )
}

/** What an order is for. */
export interface OrderTarget {
  /** One copy on each of these; null for copies on any printer that fits. */
  readonly printers: readonly string[] | null
}

/** Lets a person choose a file and order prints of it. */
export function orderPrints(source: HubSource, { printers }: OrderTarget, done: () => void): void {
  const file = element('input', { type: 'file', accept: '.gcode,.g,.gco,.bgcode', required: '' })
  const copies = element('input', { type: 'number', min: '1', max: '1000', value: '1', required: '' })
  const label = element('input', { placeholder: 'material=PETG', pattern: '[^=]+=.*' })
  const problem = element('p', { class: 'problem', role: 'alert' })
  const submit = element('button', { type: 'submit', class: 'main' }, 'Print')
  const anyPrinter = [
    element('label', {}, 'Copies', copies),
    element('label', {}, 'Label that the printer must have', label),
  ]
  const form = element(
    'form',
    {},
    element('label', {}, 'G-code file', file),
    ...(printers === null
      ? anyPrinter
      : [element('p', {}, `One copy on each of ${printers.length} printers.`)]),
    problem,
    element(
      'div',
      { class: 'buttons' },
      button('Back', () => dialog.close()),
      submit,
    ),
  )
  const dialog = show('Print a file', form)
  form.addEventListener('submit', async event => {
    event.preventDefault()
    submit.disabled = true
    problem.textContent = ''
    try {
      const chosen = file.files?.[0]
      if (chosen === undefined) throw new Error('Choose a file')
      const { sha256, name: fileName } = await source.use(fleet => fleet.upload(chosen))
      const order = { file: sha256, name: fileName }
      const [name = '', value = ''] = label.value.split(/=(.*)/s, 2)
      if (printers === null) {
        const labels: Record<string, string> = name === '' ? {} : { [name]: value }
        const need = { labels, nozzle: null, min: null, printer: null }
        await source.use(fleet => fleet.order({ ...order, copies: copies.valueAsNumber, need }))
      } else {
        for (const printer of printers) {
          const need = { labels: {}, nozzle: null, min: null, printer }
          await source.use(fleet => fleet.order({ ...order, need }))
        }
      }
      dialog.close()
      done()
    } catch (error) {
      problem.textContent = messageOf(error)
    }
    submit.disabled = false
  })
}
