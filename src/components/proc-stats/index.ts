// [proc_stats]: serves the load of machine and server.
import { machine as chapter } from '../../api/machine.ts'
import { type Component, component } from '../../component/component.ts'
import { loadMonitor } from './load-monitor.ts'
import { ProcStats } from './proc-stats.ts'

export default component({
  section: 'proc_stats',
  presence: 'always',
  options: {},
  create({ core, scope }): Component {
    const stats = new ProcStats(core.connections, core.presence, core.host.use(loadMonitor, scope))
    scope.use(core.registry.serve(chapter, { 'machine.proc_stats': () => stats.reply() }))
    return { start: () => stats.start(scope) }
  },
})
