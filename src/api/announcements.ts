// API document: "Announcement APIs", and the appendix "Announcements".
import { anyOf, bool, choice, float, int, list, object, string } from '../schema/index.ts'
import { chapter, notification } from './chapter.ts'
import { del, get, post } from './endpoint.ts'

/** Seconds: a hundred years. A longer time is a mistake of the client. */
const LONGEST_SLEEP = 100 * 365 * 86_400

/** One announcement. */
export const Announcement = object({
  entry_id: string().describe('Usually OWNER/REPOSITORY/issue/NUMBER'),
  url: string().describe('The page with the full text; may be empty'),
  title: string().describe('One line of plain text'),
  description: string().describe('Plain text, which may contain links in Markdown'),
  priority: string().describe('normal or high'),
  date: float().describe('Seconds since the epoch'),
  dismissed: bool(),
  date_dismissed: float().nullable().describe('Seconds since the epoch'),
  dismiss_wake: float().nullable().describe('When it is shown again; null for never'),
  source: string().describe('moonlight for feeds, internal for this server'),
  feed: string().describe('The feed, or the component, that it comes from'),
})

const Feeds = list(string()).describe('Every feed that the server follows')

/** All announcements, newest first; the parameter of notify_announcement_update. */
export const AnnouncementList = object({ entries: list(Announcement), feeds: Feeds })

/** One of them, by its id. */
export const AnnouncementId = object({ entry_id: string() })

const FeedChange = object({ feed: string(), action: choice('added', 'skipped', 'removed') })
const feedName = string().describe('Lower-case letters, digits, dots, dashes and underscores')

export const announcements = chapter({
  title: 'Announcement APIs',
  about: 'News for the users of printers',
  methods: {
    'server.announcements.list': get('/server/announcements/list', {
      summary: 'All announcements, newest first',
      params: { include_dismissed: bool().default(true) },
      result: AnnouncementList,
    }),
    'server.announcements.update': post('/server/announcements/update', {
      summary: 'Fetch the feeds now; the server does this every 30 minutes',
      params: {
        subscriptions: anyOf(list(string()), string())
          .describe('Only these feeds: a list, or one text with the names separated by commas')
          .optional(),
      },
      result: object({
        entries: list(Announcement),
        modified: bool().describe('Whether any announcement changed'),
      }),
    }),
    'server.announcements.dismiss': post('/server/announcements/dismiss', {
      summary: 'Mark an announcement as read, permanently or for some time',
      params: {
        entry_id: string(),
        wake_time: int({ min: 0, max: LONGEST_SLEEP })
          .nullable()
          .describe('Seconds after which it is shown again')
          .optional(),
      },
      result: AnnouncementId,
    }),
    'server.announcements.feeds': get('/server/announcements/feeds', {
      summary: 'The feeds that the server follows',
      result: object({ feeds: Feeds }),
    }),
    'server.announcements.post_feed': post('/server/announcements/feed', {
      summary: 'Follow another feed; the server skips one that it follows already',
      params: { name: feedName },
      result: FeedChange,
    }),
    'server.announcements.delete_feed': del('/server/announcements/feed', {
      summary: 'Stop following a feed; only for feeds that post_feed added',
      params: { name: feedName },
      result: FeedChange,
    }),
  },
  notifications: {
    notify_announcement_update: notification(
      'Announcements were added, removed or changed',
      AnnouncementList,
    ),
    notify_announcement_dismissed: notification('An announcement was marked as read', AnnouncementId),
    notify_announcement_wake: notification('A dismissed announcement is to be shown again', AnnouncementId),
  },
})
