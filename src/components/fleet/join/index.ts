// server.fleet.join, which is there without section [fleet] too. What it does is loaded with the first call.
import { fleetJoin as chapter } from '../../../api/fleet-agent.ts'
import { component } from '../../../component/component.ts'

export default component({
  section: 'fleet_join',
  presence: 'always',
  listed: false,
  options: {},
  create({ core, scope }) {
    scope.use(
      core.registry.serve(chapter, {
        'server.fleet.join': async ({ code, name }) => {
          const { joinFleet } = await import('./join.ts')
          const { host, paths, instanceId: id } = core
          const engine = await joinFleet({ http: host.http, paths, id, code, name })
          core.events.emit('server:restart')
          return { id, engine }
        },
      }),
    )
    return {}
  },
})
