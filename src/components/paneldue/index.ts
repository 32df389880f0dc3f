// [paneldue]: a PanelDue touch screen on a serial port.
import { component } from '../../component/component.ts'
import { float, readShape } from '../../schema/index.ts'
import { panelOptions } from './options.ts'
import { Panel } from './panel.ts'

/** The arguments of `paneldue_beep`: Hz and s. */
const beepArguments = { frequency: float({ min: 20, max: 20_000 }), duration: float({ min: 0, max: 60 }) }

export default component({
  section: 'paneldue',
  presence: 'configured',
  options: panelOptions,
  create({ core, section, scope }) {
    const { session } = core.printer
    const panel = new Panel(core, scope, section.options)
    session.addRemoteMethod('paneldue_beep', args => {
      const { frequency, duration } = readShape(beepArguments, args)
      panel.beep(Math.round(frequency), Math.round(duration * 1000))
    })
    scope.defer(() => session.removeRemoteMethod('paneldue_beep'))
    return { start: () => panel.start(), stop: () => panel.stop() }
  },
})
