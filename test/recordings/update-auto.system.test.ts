// The recorded refreshes without a request: at the start, after a change of the configuration, and in the hours of the day.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nextIteration } from '../../src/core/work-budget.ts'
import { fakePrograms } from '../components/machine/fake-programs.ts'
import { GitRepos, publishApp } from '../support/git-repos.ts'
import { HandClock } from '../support/hand-clock.ts'
import { RestartableServer } from '../support/restartable-server.ts'
import { WebClient } from '../support/web-client.ts'
import { absentRecording, loadUpdates } from './update-recording.ts'

const RECORDING = 'upd_auto'
/** The hour of the day in the recordings. */
const RECORDED_HOUR = 11
/** Seconds from a start to the first look at what is due, at most. */
const LOOK = 75 * 60

const ALWAYS = 'refresh_interval: 0\n'
/** The options of each step, with the hours of the recordings: those of [update_manager], and of the entry. */
const STEPS: Readonly<Record<string, readonly [general: string, entry?: string]>> = {
  auto_off_restart_config_changed: ['', 'info_tags: changed\n'],
  auto_off_interval0: [ALWAYS],
  auto_on_in_window_interval0: [`enable_auto_refresh: True\nrefresh_window: 11-12\n${ALWAYS}`],
  auto_on_outside_window: [`enable_auto_refresh: True\nrefresh_window: 13-14\n${ALWAYS}`],
  auto_on_wrapped_window: [`enable_auto_refresh: True\nrefresh_window: 10-9\n${ALWAYS}`],
}

/** What the recording counted: commands of git, and notifications of a refresh. */
interface Counted {
  readonly name: string
  readonly git_after_start: number
  readonly git_later: number
  readonly notify_after_start: number
  readonly notify_later: number
}

/** Moves the hours of a refresh window so that the next look is in the hour of the recordings. */
function atHourOf(clock: HandClock, lines: string): string {
  const shift = new Date(clock.now() * 1000).getHours() + 1 - RECORDED_HOUR
  const moved = (hour: string) => String((Number(hour) + shift + 24) % 24)
  return lines.replace(/(\d+)-(\d+)/, (_, from, until) => `${moved(from)}-${moved(until)}`)
}

/** Writes each call, and runs git. */
const GIT = `echo "$*" >> "$HERE/calls"\nPATH='${process.env.PATH}' exec git "$@"`

const notifications = ({ frames }: WebClient) =>
  frames.filter(({ method }) => method === 'notify_update_refreshed').length

/** Resolves when the refresh of the start is done. */
async function untilReady(client: WebClient): Promise<void> {
  // An unknown name is an error only then.
  while ((await client.call('machine.update.refresh', { name: 'none' })).error.code !== 400)
    await nextIteration()
}

test('entries are refreshed by themselves as recorded', { skip: absentRecording(RECORDING) }, async t => {
  using repos = new GitRepos()
  publishApp(repos)
  repos.clone('app.git', 'uptodate')
  using git = fakePrograms({ git: GIT })
  const clock = new HandClock()
  const section =
    `[update_manager uptodate]\ntype: git_repo\nis_system_service: False\npath: ${repos.path('uptodate')}\n` +
    `origin: ${repos.path('app.git')}\n`
  const general = '[update_manager]\nenable_system_updates: False\n'
  await using server = await RestartableServer.start({ conf: general + section, clock })
  let client = await server.client()
  await untilReady(client)
  const atFirst = git.calls().length
  await client.call('machine.update.refresh')
  const own = git.calls().length - atFirst

  /** Whether git has refreshed the entry, and clients know it, when a refresh that is requested after it has ended. */
  const isRefreshed = async (by: () => Promise<void>) => {
    const before = git.calls().length
    await by()
    const from = notifications(client)
    await client.call('machine.update.refresh')
    clock.pass(1)
    await client.call('server.info')
    const [calls, notified] = [git.calls().length - before, notifications(client) - from]
    return { git: calls >= 2 * own, notified: notified === 2 }
  }
  for (const recorded of loadUpdates(RECORDING) as unknown as Counted[]) {
    const [lines, more = ''] = STEPS[recorded.name] ?? []
    if (lines === undefined) continue
    await t.test(recorded.name, async () => {
      const atStart = await isRefreshed(async () => {
        await server.end()
        server.configure(general + atHourOf(clock, lines) + section + more)
        await server.start()
        client = await server.client()
        await untilReady(client)
      })
      const later = await isRefreshed(async () => {
        clock.skip(LOOK)
        // The server has lost its clients meanwhile, and Klippy.
        client = await WebClient.open(server.url)
      })
      const { git_after_start, notify_after_start, git_later, notify_later } = recorded
      assert.deepEqual(
        { atStart, later },
        {
          atStart: { git: git_after_start > 0, notified: notify_after_start > 0 },
          later: { git: git_later > 0, notified: notify_later > 0 },
        },
      )
    })
  }
})
