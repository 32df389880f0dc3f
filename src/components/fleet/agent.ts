// The printer as a part of its fleet: connects the parts with the engine, with Klippy, and with each other.
import { randomBytes } from 'node:crypto'
import type { ResultOf } from '../../api/endpoint.ts'
import type { fleetAgent } from '../../api/fleet-agent.ts'
import type { Core } from '../../component/component.ts'
import { messageOf } from '../../core/errors.ts'
import type { Scope } from '../../core/scope.ts'
import {
  ANNOUNCE_SECONDS,
  broadcastSchema,
  CAPABILITIES,
  readMessage,
  subjects,
} from '../../fleet/contract/index.ts'
import type { TimedProgress } from '../analysis/service.ts'
import type { FilesService } from '../files/service.ts'
import type { JobRecords } from '../history/service.ts'
import type { PrintQueue } from '../job-queue/service.ts'
import type { MetadataSource } from '../metadata/service.ts'
import type { PowerDevices } from '../power/service.ts'
import { Actions } from './command/actions.ts'
import { Commands } from './command/commands.ts'
import { Replies } from './command/replies.ts'
import type { Credential, CredentialFiles } from './engine/credential.ts'
import { Engine } from './engine/engine.ts'
import type { Session } from './engine/session.ts'
import { FleetEvents } from './events.ts'
import { Facts } from './facts.ts'
import { FleetFiles } from './job/fleet-files.ts'
import { JobRunner } from './job/job-runner.ts'
import type { FleetOptions } from './options.ts'
import { Outbox } from './outbox/outbox.ts'
import { OutboxSender } from './outbox/sender.ts'
import { Epoch } from './slot/epoch.ts'
import { Gates } from './slot/gates.ts'
import { SlotKeeper } from './slot/slot-keeper.ts'
import { LiveStatus } from './state/live.ts'
import { StateBuilder } from './state/state-builder.ts'
import { StatePublisher } from './state/state-publisher.ts'

export type FleetStatus = ResultOf<(typeof fleetAgent)['methods']['server.fleet.status']>

const MEBIBYTE = 1024 ** 2

/** What the agent is made from. */
export interface AgentParts {
  readonly core: Core
  readonly options: FleetOptions
  readonly credential: Credential
  readonly credentialFiles: CredentialFiles
  readonly files: FilesService
  readonly queue: PrintQueue
  readonly records: JobRecords
  readonly metadata: () => MetadataSource | null
  readonly power: () => PowerDevices | null
  readonly progress: () => TimedProgress | null
}

export class FleetAgent {
  readonly #parts: AgentParts
  readonly #engine: Engine
  readonly #outbox: Outbox
  readonly #sender: OutboxSender
  readonly #facts: Facts
  readonly #events: FleetEvents
  readonly #epoch: Epoch
  readonly #gates: Gates
  readonly #runner: JobRunner
  readonly #slot: SlotKeeper
  readonly #builder: StateBuilder
  readonly #states: StatePublisher
  readonly #live: LiveStatus
  readonly #commands: Commands
  #wasPlateClear: boolean

  constructor(parts: AgentParts) {
    this.#parts = parts
    const { core, options, credential, credentialFiles, files, queue } = parts
    const { id } = credential
    const boot = randomBytes(4).toString('hex')
    const outbox = new Outbox(core.storage)
    const facts = new Facts(core.storage, outbox)
    const events = new FleetEvents(core, outbox, boot)
    const epoch = new Epoch(credentialFiles, credential.epoch)
    const gates = new Gates({ core, facts, epoch, queue, dispatch: options.dispatch })
    const { metadata, power, progress } = parts
    const maxBytes = options.cache_mb * MEBIBYTE
    const fleetFiles = new FleetFiles({ core, files, metadata, ca: credential.ca, maxBytes })
    const runner = new JobRunner({ core, facts, events, files: fleetFiles, gates, queue })
    const slot = new SlotKeeper({ core, id, facts, events, outbox, gates, epoch, runner })
    const caps = CAPABILITIES.filter(
      name => (name !== 'dispatch' || options.dispatch) && (name !== 'calls' || options.allow_calls),
    )
    const builder = new StateBuilder(core, {
      boot,
      heartbeat: options.heartbeat,
      caps,
      labels: options.labels,
      epoch: () => epoch.accepted,
      plate: () => gates.readiness.plate,
      slotRevision: () => slot.revision,
      held: () => facts.held,
      power,
      progress,
    })
    const pace = { interval: options.state_interval, heartbeat: options.heartbeat }
    const states = new StatePublisher(builder, id, core.clock, pace)
    const live = new LiveStatus(core, id, boot)
    const actions = new Actions({
      core,
      facts,
      runner,
      queue,
      live,
      states,
      builder,
      plateClear: options.plate_clear,
      readinessChanged: () => this.#changed(),
    })
    this.#engine = new Engine(core, options.engine)
    this.#outbox = outbox
    this.#sender = new OutboxSender(outbox, id, core)
    this.#facts = facts
    this.#events = events
    this.#epoch = epoch
    this.#gates = gates
    this.#runner = runner
    this.#slot = slot
    this.#builder = builder
    this.#states = states
    this.#live = live
    this.#commands = new Commands({
      core,
      facts,
      events,
      replies: new Replies(core.storage, core.clock),
      actions,
      boot,
      role: options.role,
      allowCalls: options.allow_calls,
    })
    this.#wasPlateClear = queue.plateClear
  }

  /** Connects, and follows the printer until `scope` is closed. */
  start(scope: Scope): void {
    const { core, credential, queue, records } = this.#parts
    this.#events.follow(scope)
    this.#followPrinter(scope)
    scope.use(records.onWrite(write => this.#runner.recorded(write)))
    scope.use(queue.onChange(() => this.#queueChanged()))
    this.#runner.onChange = () => this.#changed()
    this.#sender.onAcknowledged = () => {
      if (this.#facts.held?.phase === 'ended') this.#slot.sync()
    }
    scope.use(this.#engine.onSession(session => this.#use(session)))
    if (core.printer.session.state === 'ready') this.#klippyReady()
    this.#engine.start(credential)
  }

  /** Reports that the server stops, and disconnects. The print goes on. */
  async stop(): Promise<void> {
    this.#runner.stop()
    await this.#states.close()
    this.#live.use(null)
    this.#builder.stop()
    await this.#engine.stop()
  }

  #use(session: Session | null): void {
    const { id } = this.#parts.credential
    if (session !== null) {
      session.subscribe(subjects.commands(id), message => this.#commands.receive(message))
      session.subscribe(subjects.key('fleet_slots', id), () => this.#slot.hinted())
      session.subscribe(subjects.all, ({ data }) => this.#broadcast(data))
    }
    this.#sender.use(session)
    this.#slot.use(session)
    this.#states.use(session)
    this.#live.use(session)
  }

  #broadcast(data: Uint8Array): void {
    const reading = readMessage(broadcastSchema, data)
    if (reading.kind !== 'message') return
    this.#epoch.named(reading.value.epoch)
    if (reading.value.do === 'announce') this.#states.announce(Math.random() * ANNOUNCE_SECONDS)
    this.#slot.sync()
  }

  #followPrinter(scope: Scope): void {
    const { events } = this.#parts.core
    const changed = () => this.#changed()
    scope.use(events.on('klippy:ready', () => this.#klippyReady()))
    scope.use(events.on('klippy:disconnected', () => this.#builder.gone()))
    for (const event of ['klippy:disconnected', 'klippy:shutdown', 'klippy:error'] as const) {
      scope.use(events.on(event, changed))
    }
    for (const event of [
      'job:started',
      'job:found',
      'job:completed',
      'job:cancelled',
      'job:error',
    ] as const) {
      scope.use(events.on(event, changed))
    }
    scope.use(events.on('job:standby', changed))
    scope.use(events.on('power:changed', changed))
    scope.use(events.on('job:paused', () => this.#reportPause('job.paused')))
    scope.use(events.on('job:resumed', () => this.#reportPause('job.resumed')))
  }

  #klippyReady(): void {
    const { log } = this.#parts.core
    const failed = (error: unknown) => log.warning(`the printer's state is not known: ${messageOf(error)}`)
    this.#builder
      .ready()
      .catch(failed)
      .finally(() => this.#states.changed())
    this.#runner
      .settle()
      .catch(failed)
      .finally(() => this.#slot.sync())
  }

  #reportPause(type: 'job.paused' | 'job.resumed'): void {
    const { held } = this.#facts
    this.#events.report(type, held?.phase === 'printing' ? held : null)
    this.#changed()
  }

  #queueChanged(): void {
    const { plateClear } = this.#parts.queue
    if (plateClear && !this.#wasPlateClear) this.#events.report('plate.cleared', null)
    this.#wasPlateClear = plateClear
    this.#changed()
  }

  /** What the fleet sees of the printer may have changed. */
  #changed(): void {
    this.#slot.sync()
    this.#states.changed()
  }

  /** Accepts the epoch that the hub names. Throws ApiError 409 if that is another one. */
  confirmEpoch(epoch: string): FleetStatus {
    this.#epoch.confirm(epoch)
    this.#changed()
    return this.status()
  }

  status(): FleetStatus {
    const { held, maintenance } = this.#facts
    const { blocked, plate } = this.#gates.readiness
    return {
      connected: this.#engine.session !== null,
      engine: [...this.#parts.options.engine],
      problem: this.#engine.problem ?? this.#slot.problem,
      blocked,
      plate_clear: plate === 'clear',
      maintenance,
      job: held && { id: held.job, attempt: held.attempt, phase: held.phase, file: held.file.name },
      events_waiting: this.#outbox.length,
      epoch: this.#epoch.accepted,
      new_epoch: this.#epoch.isOther ? this.#epoch.seen : null,
    }
  }
}
