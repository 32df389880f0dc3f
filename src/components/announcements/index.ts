// [announcements]: news of the projects that a printer runs, and announcements of the server's components.
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { announcements as chapter } from '../../api/announcements.ts'
import { type Core, component } from '../../component/component.ts'
import { lines } from '../../config/index.ts'
import { ApiError, messageOf } from '../../core/errors.ts'
import type { Scope } from '../../core/scope.ts'
import { bool } from '../../schema/index.ts'
import { Entries } from './entries.ts'
import { FeedFolder, type FeedSource, Moonlight, noFeeds } from './feed-source.ts'
import { FeedWatch } from './feed-watch.ts'
import { Feeds, isFeedName } from './feeds.ts'
import { type AnnouncementService, announcementService } from './service.ts'

/** Where moonlight publishes the feeds. */
const MOONLIGHT = 'https://arksine.github.io/moonlight'

interface Settings {
  readonly subscriptions: readonly string[]
  readonly enable_moonlight: boolean
  readonly dev_mode: boolean
}

/** The parts of the component. */
interface Parts {
  readonly feeds: Feeds
  readonly entries: Entries
  readonly watch: FeedWatch
  /** Notifies clients of changed announcements, after the reply that caused the change. */
  readonly notifyChange: () => void
}

function subscribed({ warnings }: Core, { subscriptions }: Settings): string[] {
  return subscriptions.flatMap(given => {
    const name = given.toLowerCase()
    if (isFeedName(name)) return [name]
    warnings.add(
      `[announcements] subscriptions: '${given}' is not the name of a feed; it is ignored. ` +
        "Names have up to 64 letters, digits, '.', '-' and '_', one name a line.",
    )
    return []
  })
}

function devFolder({ paths }: Core): string {
  return join(paths.data, 'development', 'announcements')
}

function sourceOf(core: Core, { dev_mode, enable_moonlight }: Settings, address: string): FeedSource {
  if (dev_mode) return new FeedFolder(devFolder(core))
  return enable_moonlight ? new Moonlight(address, core.storage.namespaces, core.host.http) : noFeeds
}

function build(core: Core, settings: Settings, address: string): Parts {
  const { storage, clock, log, connections } = core
  const feeds = new Feeds(storage.namespaces, subscribed(core, settings))
  const entries = new Entries({
    namespaces: storage.namespaces,
    clock,
    onWake: ids => {
      for (const entry_id of ids) connections.notify('notify_announcement_wake', { entry_id })
    },
  })
  const notifyChange = () => {
    setImmediate(() =>
      connections.notify('notify_announcement_update', { entries: entries.list(), feeds: feeds.names() }),
    )
  }
  const source = sourceOf(core, settings, address)
  const watch = new FeedWatch({ source, feeds, entries, clock, log, onChange: notifyChange })
  return { feeds, entries, watch, notifyChange }
}

function namesOf(given: string | readonly string[] | undefined, feeds: Feeds): string[] {
  if (given === undefined) return feeds.names()
  const names = new Set(typeof given === 'string' ? given.split(',').map(name => name.trim()) : given)
  const unknown = names.values().find(name => !feeds.has(name))
  if (unknown !== undefined) throw new ApiError(400, `No subscription for ${unknown.slice(0, 64)}`)
  return [...names]
}

function serve({ registry, connections }: Core, scope: Scope, parts: Parts): void {
  const { feeds, entries, watch, notifyChange } = parts
  scope.use(
    registry.serve(chapter, {
      'server.announcements.list': ({ include_dismissed }) => ({
        entries: entries.list(include_dismissed),
        feeds: feeds.names(),
      }),
      'server.announcements.update': async ({ subscriptions }) => {
        const modified = await watch.update(namesOf(subscriptions, feeds))
        return { entries: entries.list(), modified }
      },
      'server.announcements.dismiss': async ({ entry_id, wake_time = null }) => {
        await entries.dismiss(entry_id, wake_time)
        setImmediate(() => connections.notify('notify_announcement_dismissed', { entry_id }))
        return { entry_id }
      },
      'server.announcements.feeds': () => ({ feeds: feeds.names() }),
      'server.announcements.post_feed': async ({ name }) => {
        const feed = name.toLowerCase()
        if (!(await feeds.add(name))) return { feed, action: 'skipped' as const }
        await watch.update([feed])
        return { feed, action: 'added' as const }
      },
      'server.announcements.delete_feed': async ({ name }) => {
        const feed = name.toLowerCase()
        await feeds.remove(name)
        if (await watch.drop(feed)) notifyChange()
        return { feed, action: 'removed' as const }
      },
    }),
  )
}

/** The service for other components. */
function serviceOf({ feeds, entries, watch, notifyChange }: Parts): AnnouncementService {
  return {
    async raise(announcement) {
      if (await entries.raise(announcement)) notifyChange()
    },
    async settle(entryId) {
      if (await entries.settle(entryId)) notifyChange()
    },
    async followFeed(name) {
      if (feeds.use(name)) await watch.follow(name)
    },
  }
}

async function start(core: Core, settings: Settings, { entries, watch }: Parts): Promise<void> {
  const { log } = core
  await entries.start()
  if (settings.dev_mode) {
    const folder = devFolder(core)
    await mkdir(folder, { recursive: true }).catch((error: unknown) => {
      log.warning(`cannot create the folder of dev_mode: ${messageOf(error)}`)
    })
    log.info(`feeds are read from ${folder} (dev_mode)`)
  } else if (!settings.enable_moonlight) log.info('the server fetches no feeds (enable_moonlight: False)')
  await watch.start(settings.dev_mode ? 'now' : 'soon')
}

/** The component; it fetches feeds below `moonlight`. */
export function announcements(moonlight = MOONLIGHT) {
  return component({
    section: 'announcements',
    presence: 'always',
    options: {
      subscriptions: lines().describe('Feeds in addition to those of moonraker and klipper').default([]),
      enable_moonlight: bool().describe('Whether the server fetches feeds from the internet').default(true),
      dev_mode: bool()
        .describe('Read feeds from the folder development/announcements of the data folder instead')
        .default(false),
    },
    provides: { announcements: announcementService },
    create({ core, section: { options }, scope }) {
      const parts = build(core, options, moonlight)
      serve(core, scope, parts)
      return {
        announcements: serviceOf(parts),
        start: () => start(core, options, parts),
        stop: async () => {
          await parts.watch.stop()
          await parts.entries.stop()
        },
      }
    },
  })
}

export default announcements()
