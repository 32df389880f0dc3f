// Announcements of the server's own components, for other components.
import { service } from '../../component/service.ts'

/** An announcement that a component shows to the users. */
export interface RaisedAnnouncement {
  /** The component and the subject, as `machine/sudo`. With a changed text the announcement counts as new. */
  readonly entry_id: string
  /** One line of plain text. */
  readonly title: string
  /** Plain text, which may contain links in Markdown. */
  readonly description: string
  /** The URL of a page with details; '' for none. */
  readonly url: string
  readonly priority: 'normal' | 'high'
  /** The component that raises it. */
  readonly feed: string
}

/** Raises announcements. The promises reject if a change cannot be stored. */
export interface AnnouncementService {
  /** Adds an announcement. It stays, over restarts too, until it is settled. */
  raise(announcement: RaisedAnnouncement): Promise<void>
  /** Removes an announcement whose reason has ended; does nothing for an unknown id. */
  settle(entryId: string): Promise<void>
  /** Follows the feed of a project that the printer uses, until the server stops. Resolves once it was fetched. */
  followFeed(name: string): Promise<void>
}

/** Announcements of the server's own components. */
export const announcementService = service<AnnouncementService>('announcements')
