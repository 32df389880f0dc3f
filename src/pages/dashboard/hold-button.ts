// A button that acts when it is held: a touch by mistake does nothing. Programs that read the screen click instead of
// holding; a question takes the place of the hold there.
import { element } from '../shared/dom.ts'

/** How long the button must be held, in milliseconds; the style has the same time. */
const HOLD = 1000
/** How long a hint is shown after a short press, in milliseconds. */
const HINT = 2500

/** What the button does. */
export interface HoldActions {
  readonly text: string
  /** Shown after a short press. */
  readonly hint: string
  /** The button was held. */
  readonly held: () => void
  /** The button was clicked by a program, without a press. */
  readonly clicked: () => void
}

export function holdButton({ text, hint, held, clicked }: HoldActions): HTMLButtonElement {
  const label = element('span', {}, text)
  const made = element('button', { type: 'button', class: 'hold' }, label)
  let timer: ReturnType<typeof setTimeout> | undefined
  const press = () => {
    if (timer !== undefined || made.disabled) return
    made.classList.add('held')
    timer = setTimeout(() => {
      release(false)
      held()
    }, HOLD)
  }
  const release = (isShort = true) => {
    if (timer === undefined) return
    clearTimeout(timer)
    timer = undefined
    made.classList.remove('held')
    if (!isShort) return
    label.textContent = hint
    setTimeout(() => {
      label.textContent = text
    }, HINT)
  }
  made.addEventListener('pointerdown', ({ button }) => {
    if (button === 0) press()
  })
  for (const event of ['pointerup', 'pointerleave', 'pointercancel', 'blur'] as const) {
    made.addEventListener(event, () => release())
  }
  made.addEventListener('keydown', event => {
    if (event.key !== ' ' && event.key !== 'Enter') return
    event.preventDefault()
    if (!event.repeat) press()
  })
  made.addEventListener('keyup', event => {
    // Else some browsers click now.
    event.preventDefault()
    release()
  })
  // A long touch would open the menu of the browser.
  made.addEventListener('contextmenu', event => event.preventDefault())
  made.addEventListener('click', ({ detail }) => {
    // A pointer counts its clicks, a program does not.
    if (detail === 0) clicked()
  })
  return made
}
