// [fleet]: the printer as a part of a fleet, whose engine is NATS with JetStream.
import { fleetAgent as chapter } from '../../api/fleet-agent.ts'
import { component } from '../../component/component.ts'
import { optional } from '../../component/service.ts'
import { ApiError } from '../../core/errors.ts'
import { progressService } from '../analysis/service.ts'
import { filesService } from '../files/service.ts'
import { jobRecordsService } from '../history/service.ts'
import { jobQueueService } from '../job-queue/service.ts'
import { metadataService } from '../metadata/service.ts'
import { powerService } from '../power/service.ts'
import { FleetAgent } from './agent.ts'
import { CredentialFiles } from './engine/credential.ts'
import { removeFleetSection } from './join/fleet-section.ts'
import { fleetOptions } from './options.ts'
import { fleetService } from './service.ts'

const NOT_JOINED =
  '[fleet]: this printer has no credential. Get a code from the hub, and join with "moonraker-ts fleet-join CODE"'

export default component({
  section: 'fleet',
  presence: 'configured',
  options: fleetOptions,
  needs: {
    files: filesService,
    queue: jobQueueService,
    records: jobRecordsService,
    metadata: optional(metadataService),
    power: optional(powerService),
    progress: optional(progressService),
  },
  provides: { connection: fleetService },
  create({ core, section: { options }, scope, needs }) {
    const credentialFiles = new CredentialFiles(core.paths.data)
    let agent: FleetAgent | null = null
    const joined = () => {
      if (agent === null) throw new ApiError(503, NOT_JOINED)
      return agent
    }
    scope.use(
      core.registry.serve(chapter, {
        'server.fleet.status': () => joined().status(),
        'server.fleet.confirm_epoch': ({ epoch }) => joined().confirmEpoch(epoch),
        'server.fleet.leave': async () => {
          credentialFiles.remove()
          await removeFleetSection(core.paths.configFile)
          core.events.emit('server:restart')
          return 'ok'
        },
      }),
    )
    return {
      connection: {
        get connected() {
          return agent?.status().connected ?? false
        },
        get eventsWaiting() {
          return agent?.status().events_waiting ?? 0
        },
      },
      start() {
        const credential = credentialFiles.read(core.instanceId)
        if (credential === null) {
          scope.use(core.warnings.add(NOT_JOINED))
          return
        }
        agent = new FleetAgent({ core, options, credential, credentialFiles, ...needs })
        agent.start(scope)
      },
      async stop() {
        await agent?.stop()
      },
    }
  },
})
