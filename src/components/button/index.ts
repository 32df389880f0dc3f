// [button NAME]: buttons and switches at GPIO pins. Templates run when they are pressed and released.
import { type Component, type Core, component } from '../../component/component.ts'
import { messageOf } from '../../core/errors.ts'
import { Button } from './button.ts'
import { hostInputs } from './host-inputs.ts'
import { buttonOptions } from './options.ts'

/** Starts all buttons at the same time. One that cannot be used is a warning; the others work. */
async function startAll({ warnings }: Core, buttons: readonly Button[]): Promise<void> {
  await Promise.all(
    buttons.map(async button => {
      try {
        await button.start()
      } catch (error) {
        const { section } = button.section
        warnings.add(`Section [${section}] is left out: ${messageOf(error)}`)
      }
    }),
  )
}

export default component({
  section: 'button',
  presence: 'configured',
  options: {},
  named: { options: buttonOptions },
  create({ core, scope, named }): Component {
    const inputs = core.host.use(hostInputs, scope)
    const buttons = named.each(section => new Button(core, inputs, section))
    return {
      start: () => startAll(core, buttons),
      stop: () => {
        for (const button of buttons) button.stop()
      },
    }
  },
})
