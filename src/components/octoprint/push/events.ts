// Forwards what happens to the print, the printer and the files as OctoPrint's events.
import type { PrintStats } from '../../../api/printer.ts'
import type { Core } from '../../../component/component.ts'
import type { Scope } from '../../../core/scope.ts'
import type { PushFeed } from './feed.ts'

/** Sends events to the clients of `feed` until `scope` is closed. */
export function forwardEvents({ events, printer }: Core, scope: Scope, feed: PushFeed): void {
  const print =
    (...types: readonly string[]) =>
    (stats: PrintStats) => {
      for (const type of types) feed.event(type, payloadOf(stats))
    }
  const failed = (stats: PrintStats, reason: string) =>
    feed.event('PrintFailed', { ...payloadOf(stats), reason })
  scope.use(events.on('klippy:ready', () => feed.follow()))
  scope.use(events.on('klippy:ready', () => feed.event('Connected', { port: 'AUTO', baudrate: 0 })))
  scope.use(events.on('klippy:disconnected', () => feed.event('Disconnected', {})))
  scope.use(
    events.on('klippy:shutdown', () =>
      feed.event('Error', { error: printer.session.info?.state_message ?? '' }),
    ),
  )
  scope.use(events.on('klippy:gcode_response', line => feed.log('Recv', line)))
  scope.use(events.on('klippy:gcode_command', script => feed.log('Send', script)))
  scope.use(events.on('job:started', print('PrintStarted')))
  scope.use(events.on('job:paused', print('PrintPaused')))
  scope.use(events.on('job:resumed', print('PrintResumed')))
  scope.use(events.on('job:completed', print('PrintDone')))
  scope.use(events.on('job:cancelled', print('PrintCancelled')))
  scope.use(events.on('job:cancelled', stats => failed(stats, 'cancelled')))
  scope.use(events.on('job:error', stats => failed(stats, 'error')))
  scope.use(events.on('files:changed', () => feed.event('UpdatedFiles', { type: 'printables' })))
}

function payloadOf({ filename, print_duration }: PrintStats): object {
  return {
    name: filename.slice(filename.lastIndexOf('/') + 1),
    path: filename,
    origin: 'local',
    time: Math.round(print_duration),
  }
}
