// What a component from outside the server can reach.
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type ComponentType, component } from '../../src/component/component.ts'
import { optional } from '../../src/component/service.ts'
import { filesService } from '../../src/components/files/service.ts'
import { jobFieldsService } from '../../src/components/history/service.ts'
import { jobQueueService } from '../../src/components/job-queue/service.ts'
import { machineServices } from '../../src/components/machine/service.ts'
import { metadataService } from '../../src/components/metadata/service.ts'
import { webcamService } from '../../src/components/webcam/service.ts'
import { IDLE, RestartableServer } from '../support/restartable-server.ts'
import { startRig } from '../support/rig.ts'
import { WebClient } from '../support/web-client.ts'

const needs = {
  files: filesService,
  fields: jobFieldsService,
  queue: optional(jobQueueService),
  machine: optional(machineServices),
  metadata: optional(metadataService),
  webcams: optional(webcamService),
}

test('an outside component uses roots, metadata, queue, webcams and services', async () => {
  const found: Record<string, unknown> = {}
  const type: ComponentType = component({
    section: 'films',
    presence: 'configured',
    options: {},
    needs,
    create({ core, scope, needs: { files, queue, machine, metadata, webcams } }) {
      const path = join(core.paths.data, 'films')
      mkdirSync(path, { recursive: true })
      scope.use(files.serveRoot({ name: 'films', path, writable: false }))
      return {
        async start() {
          writeFileSync(join(path, 'cube.mp4'), 'film')
          await queue()?.enqueue(['cube.gcode'])
          found.metadata = (await metadata()?.metadata('cube.gcode'))?.filename
          found.webcams = webcams()?.list().length
          await assert.rejects(async () => machine()?.act('stop', 'klipper'), /./)
        },
      }
    },
  })
  await using rig = await startRig({
    printer: 'none',
    components: [type],
    conf: '[films]\n[webcam front]\nstream_url: /webcam\n',
    prepare(paths) {
      mkdirSync(paths.gcodes, { recursive: true })
      writeFileSync(join(paths.gcodes, 'cube.gcode'), 'G28\n')
    },
  })
  assert.deepEqual(found, { metadata: 'cube.gcode', webcams: 1 })
  using client = await WebClient.open(rig.url)
  const { registered_directories, components, failed_components } = (await client.call('server.info')).result
  assert.ok(registered_directories.includes('films'))
  assert.ok(components.includes('films'))
  assert.deepEqual(failed_components, [])
  const { result: films } = await client.call('server.files.list', { root: 'films' })
  assert.deepEqual(
    films.map((film: { path: string }) => film.path),
    ['cube.mp4'],
  )
  const { result: queue } = await client.call('server.job_queue.status')
  assert.equal(queue.queued_jobs[0].filename, 'cube.gcode')
})

test('an outside component records a value with each job', async () => {
  const type: ComponentType = component({
    section: 'power_meter',
    presence: 'always',
    options: {},
    needs: { fields: jobFieldsService },
    create({ scope, needs: { fields } }) {
      scope.use(
        fields.add({
          provider: 'power_meter',
          name: 'energy',
          description: 'Energy used',
          units: 'kWh',
          total: true,
          reset: () => {},
          value: () => 0.25,
        }),
      )
      return {}
    },
  })
  await using server = await RestartableServer.start({ files: ['cube.gcode'], components: [type] })
  const client = await server.client()
  await server.print(client, { ...IDLE, state: 'printing', filename: 'cube.gcode' })
  await server.print(client, { state: 'complete', total_duration: 10, print_duration: 9 })
  const finished = await client.find(
    ({ method, params }) => method === 'notify_history_changed' && params[0].action === 'finished',
  )
  assert.deepEqual(finished.params[0].job.auxiliary_data, [
    { provider: 'power_meter', name: 'energy', value: 0.25, description: 'Energy used', units: 'kWh' },
  ])
  const { result } = await client.call('server.history.totals')
  assert.deepEqual(result.auxiliary_totals, [
    { provider: 'power_meter', field: 'energy', maximum: null, total: 0.25 },
  ])
})
